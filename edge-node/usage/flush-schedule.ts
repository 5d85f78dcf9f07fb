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
 * The first turn in a minute costs a watching user two rows, the ended minute's and the new one's, and each later turn
 * one. Rounds are as long as it takes for rows to come evenly and to be one an interval on the whole (12 a minute at
 * 5 s), but the first no longer than a killed process allows:
 *
 * A packet is durable once its turn has come (1.64 intervals at most), its row has waited for the store (1/12) and for
 * its spool file (1/16) and a tick (1/8): less than two intervals, with some left for the disk. From a minute on the
 * interval counts as a minute, and an ended row's turn comes within 0.82 of the next.
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
