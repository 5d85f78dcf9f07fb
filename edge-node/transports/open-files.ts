import { RESERVED_FILES } from '../../shared/limits.ts';

/** Users that MAX_USERS and the process's open-files limit allow at once; at least 1. */
export function userLimit(maxUsers: number): number {
  return Math.max(1, Math.min(maxUsers, openFilesLimit() - RESERVED_FILES));
}

/** Connections on 9111 that the open-files limit allows at once, with a session or without. */
export function connectionLimit(): number {
  return openFilesLimit() - RESERVED_FILES / 2;
}

/**
 * The soft limit, which Node raises to the hard one when it starts; Infinity where the system has none to tell. Read from
 * Node's diagnostic report, since Node has no other call for it: /proc is Linux alone, and a shell's `ulimit` its own.
 */
function openFilesLimit(): number {
  Reflect.set(process.report, 'excludeNetwork', true); // or the report would look up names of peers
  const report: unknown = process.report.getReport();
  const limits = property(report, 'userLimits');
  const soft = property(property(limits, 'open_files'), 'soft');
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
