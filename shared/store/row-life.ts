import type { Minute } from '../ids.ts';
import { MINUTE_MS, USAGE_ROW_TTL_MS } from '../limits.ts';
import type { UsageRow } from './store.ts';

/**
 * When a row expires follows from its minute, not from when it was written: a row replayed late from a spool expires with
 * the others of its minute. All times are milliseconds since the Unix epoch.
 */
export function expiryMs(minute: Minute): number {
  return minute * MINUTE_MS + USAGE_ROW_TTL_MS;
}

/** The first minute whose rows have not expired at `nowMs`. */
export function firstLivingMinute(nowMs: number): Minute {
  return (Math.floor((nowMs - USAGE_ROW_TTL_MS) / MINUTE_MS) + 1) as Minute;
}

/** The rows that have not expired. The others are not written: nobody would read them. */
export function livingRows(rows: readonly UsageRow[], nowMs: number): readonly UsageRow[] {
  const first = firstLivingMinute(nowMs);
  return rows.every((row) => row.minute >= first)
    ? rows
    : rows.filter((row) => row.minute >= first);
}
