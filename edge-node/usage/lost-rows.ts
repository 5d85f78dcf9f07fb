import type { LogLimiter } from '../../shared/logger.ts';
import type { UsageCell } from './usage-cell.ts';

/** Counts what will never be stored: the only loss there is. */
export class LostRows {
  readonly stats = { rowsTooOld: 0, rowsWithoutRoom: 0, msLost: 0 };
  readonly #log: LogLimiter;

  constructor(log: LogLimiter) {
    this.#log = log;
  }

  /** What the store has of the cell is not lost; nor what the spool has, unless no store would take it any more. */
  add(cell: UsageCell, why: 'rowsTooOld' | 'rowsWithoutRoom'): void {
    const safeMs = why === 'rowsTooOld' ? 0 : cell.spooledMs;
    this.stats[why] += 1;
    this.stats.msLost += cell.deliveredMs - Math.max(cell.storedMs, safeMs);
    this.#log.error('usage: rows are lost', { [why]: this.stats[why] }, why);
  }
}
