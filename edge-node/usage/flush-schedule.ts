import { MINUTE_MS } from '../../shared/limits.ts';

/** When usage is handed on, derived from USAGE_FLUSH_MS alone. All times in milliseconds. */
export interface FlushSchedule {
  /** Whether rows are written while they grow, and not only once their minute or session has ended. */
  readonly growing: boolean;
  /** Every user has one turn in a round; the first of a minute takes longer than the later ones. */
  readonly firstRoundMs: number;
  readonly laterRoundMs: number;
  readonly roundsPerMinute: number;
  /** A turn's rows that the store has not taken after so long go to the spool as well. */
  readonly spoolAfterMs: number;
  /** Least time between two spool files. */
  readonly spoolEveryMs: number;
  readonly tickMs: number;
}

/** Part of a minute over which ended rows are spread where nothing else is written: a peak of 1.22 times the mean. */
const ENDED_PART = 0.82;
/** The first round of a minute, in intervals: with two rows a turn, it writes 1.22 times the mean, too. */
const FIRST_ROUND_INTERVALS = 1.64;

/**
 * Rounds are planned so that rows come evenly, one an interval for each watching user (12 a minute at 5 s). A user's
 * first turn in a minute costs two rows, the ended minute's and the new one's; each later turn costs one. So the first
 * round is the longest, but short enough that a killed process loses less than two intervals. The longest time until a
 * packet is durable, in intervals, is the sum of:
 *
 * - 1.64  until its user's turn has come (FIRST_ROUND_INTERVALS)
 * - 1/12  that its row may wait for the store before it goes to the spool, too
 * - 1/16  until the next spool file
 * - 1/8   until the next tick
 *
 * That is 1.91, which leaves some for the disk. From USAGE_FLUSH_MS = 60000 on the interval counts as a minute, and the
 * turn of an ended row comes within 0.82 of the next minute (ENDED_PART).
 */
export function flushSchedule(flushMs: number): FlushSchedule {
  const interval = Math.min(flushMs, MINUTE_MS);
  const common = {
    spoolAfterMs: interval / 12,
    spoolEveryMs: interval / 16,
    tickMs: Math.min(interval / 8, 100),
  };
  if (flushMs >= MINUTE_MS) {
    const firstRoundMs = ENDED_PART * MINUTE_MS;
    return { growing: false, firstRoundMs, laterRoundMs: 0, roundsPerMinute: 1, ...common };
  }
  const rowsPerMinute = Math.max(3, Math.ceil(MINUTE_MS / interval));
  const laterRounds = rowsPerMinute - 2;
  const even = (2 * MINUTE_MS) / rowsPerMinute;
  const firstRoundMs = Math.min(FIRST_ROUND_INTERVALS * interval, even);
  const laterRoundMs = (MINUTE_MS - firstRoundMs) / laterRounds;
  return { growing: true, firstRoundMs, laterRoundMs, roundsPerMinute: 1 + laterRounds, ...common };
}

/** How many rounds, whole and begun, there were from the epoch until `epochMs`. */
export function roundsUntil(schedule: FlushSchedule, epochMs: number): number {
  const { firstRoundMs, laterRoundMs, roundsPerMinute } = schedule;
  const inMinuteMs = epochMs % MINUTE_MS;
  const before = Math.floor(epochMs / MINUTE_MS) * roundsPerMinute;
  if (inMinuteMs < firstRoundMs) return before + inMinuteMs / firstRoundMs;
  if (roundsPerMinute === 1) return before + 1;
  return before + 1 + (inMinuteMs - firstRoundMs) / laterRoundMs;
}
