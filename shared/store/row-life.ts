import type { Minute } from '../ids.ts';
import { MINUTE_MS, USAGE_ROW_TTL_MS } from '../limits.ts';
import type { UsageRow } from './store.ts';

/**
 * A row's life hangs on its minute alone and not on the time of its writing, so that one replayed late from a spool
 * never outlives its twins. All times are milliseconds since the Unix epoch.
 */
export function expiryMs(minute: Minute): number {
  return minute * MINUTE_MS + USAGE_ROW_TTL_MS;
}

/** The first minute whose rows are still alive at `nowMs`. */
export function firstLivingMinute(nowMs: number): Minute {
  return (Math.floor((nowMs - USAGE_ROW_TTL_MS) / MINUTE_MS) + 1) as Minute;
}

/** The rows that have a life before them: writing the others would be writing what nobody may read. */
export function livingRows(rows: readonly UsageRow[], nowMs: number): readonly UsageRow[] {
  const first = firstLivingMinute(nowMs);
  return rows.every((row) => row.minute >= first)
    ? rows
    : rows.filter((row) => row.minute >= first);
}
