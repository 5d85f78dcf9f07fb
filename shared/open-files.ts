import { open } from 'node:fs/promises';
import { asError } from './errors.ts';
import { FILES_CHECK_MS } from './limits.ts';
import type { LogLimiter } from './logger.ts';

/**
 * The soft limit, which Node raises to the hard one when it starts; Infinity where the system has none to tell. Read from
 * Node's diagnostic report, since Node has no other call for it: /proc is Linux alone, and a shell's `ulimit` its own.
 */
export function openFilesLimit(): number {
  Reflect.set(process.report, 'excludeNetwork', true); // or the report would look up names of peers
  const report: unknown = process.report.getReport();
  const limits = property(report, 'userLimits');
  const soft = property(property(limits, 'open_files'), 'soft');
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/**
 * Notices when this process can open no more files. Nothing else would tell: a connection that finds none is accepted
 * and closed at once, without an error.
 */
export class OpenFilesWatch {
  readonly #limiter: LogLimiter;
  #timer: NodeJS.Timeout | undefined;
  /** Checks that found no file left. */
  exhausted = 0;

  constructor(limiter: LogLimiter) {
    this.#limiter = limiter;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#check(), FILES_CHECK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #check(): Promise<void> {
    try {
      await (await open('/dev/null')).close();
    } catch (error) {
      this.exhausted += 1;
      this.#limiter.error(
        'open-files limit reached (ulimit -n): new connections are dropped; raise it or lower MAX_USERS',
        { err: asError(error) },
      );
    }
  }
}
