import type { LogLimiter } from '../../shared/logger.ts';
import type { UsageCell } from './usage-cell.ts';

const REASONS = {
  rowsTooOld: 'usage LOST for good: the store did not take it within 24 h',
  rowsWithoutRoom:
    'usage LOST for good: USAGE_MAX_PENDING_ROWS is reached, or the node stops, and the spool cannot be written',
} as const;

/** Counts the rows that will never be stored. Usage that was counted is lost nowhere else. */
export class LostRows {
  readonly stats = { rowsTooOld: 0, rowsWithoutRoom: 0, msLost: 0 };
  readonly #limiter: LogLimiter;

  constructor(limiter: LogLimiter) {
    this.#limiter = limiter;
  }

  /** Nothing is lost that the store has of the cell, nor that the spool has, unless the row is too old to be stored. */
  add(cell: UsageCell, why: 'rowsTooOld' | 'rowsWithoutRoom'): void {
    const safeMs = why === 'rowsTooOld' ? 0 : cell.spooledMs;
    this.stats[why] += 1;
    this.stats.msLost += cell.deliveredMs - Math.max(cell.storedMs, safeMs);
    const totalSeconds = Math.round(this.stats.msLost / 1000);
    this.#limiter.error(REASONS[why], { totalRows: this.stats[why], totalSeconds }, why);
  }
}
