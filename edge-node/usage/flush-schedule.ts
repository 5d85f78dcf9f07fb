import { MINUTE_MS } from '../../shared/limits.ts';

/** When usage is handed on, derived from USAGE_FLUSH_MS alone. All times in milliseconds. */
export interface FlushSchedule {
  /** Whether rows are written while they grow, and not only once their minute or session has ended. */
  readonly growing: boolean;
  /** Every user has one turn in a round. */
  readonly roundMs: number;
  /** A turn's rows that the store has not taken after so long go to the spool as well. */
  readonly spoolAfterMs: number;
  /** Least time between two spool files. */
  readonly spoolEveryMs: number;
  readonly tickMs: number;
}

/**
 * Each minute costs a watching user one row more than it has turns: its first turn writes the ended minute and the
 * new one. A round is longer than an interval by that, so that a user costs one row an interval all the same (12 a
 * minute at 5 s), but never by more than a quarter.
 *
 * A packet is durable once its turn has come (1.25 intervals at most), its row has waited for the store (0.25) and
 * for its spool file (0.125) and a tick (0.125): a killed process loses less than two intervals, with a quarter left
 * for the disk. From a minute on the interval counts as a minute, and a row is handed on within a quarter of it.
 */
export function flushSchedule(flushMs: number): FlushSchedule {
  const growing = flushMs < MINUTE_MS;
  const interval = Math.min(flushMs, MINUTE_MS);
  const roundMs = growing
    ? interval * Math.min(MINUTE_MS / (MINUTE_MS - interval), 1.25)
    : interval / 4;
  return {
    growing,
    roundMs,
    spoolAfterMs: interval / 4,
    spoolEveryMs: interval / 8,
    tickMs: Math.min(interval / 8, 100),
  };
}
