import { RESERVED_FILES } from '../../shared/limits.ts';
import { openFilesLimit } from '../../shared/open-files.ts';

/** Users that MAX_USERS and the process's open-files limit allow at once; at least 1. */
export function userLimit(maxUsers: number): number {
  return Math.max(1, Math.min(maxUsers, openFilesLimit() - RESERVED_FILES));
}

/** Connections on 9111 that the open-files limit allows at once, with a session or without. */
export function connectionLimit(): number {
  return openFilesLimit() - RESERVED_FILES / 2;
}
