import type { Minute } from './ids.ts';
import { minuteOf } from './ids.ts';
import { MINUTE_MS, USAGE_WINDOW_MS } from './limits.ts';
import type { UsageEntry } from './store/store.ts';

/**
 * The last 24 hours as /usage means them: from exactly USAGE_WINDOW_MS ago, which mostly falls inside a minute, until
 * now. Rows know whole minutes only, so the oldest one counts by the part of it that still lies in the window; minutes
 * ahead of our clock count in full, since whoever wrote them has delivered that much.
 */

const SECOND_MS = 1_000;

/** The first minute with a part in the window of `nowMs` (milliseconds since the epoch). */
export function firstMinuteOf(nowMs: number): Minute {
  return minuteOf(nowMs - USAGE_WINDOW_MS);
}

/**
 * Whole seconds watched per channel within the window, rounded down, in the order of channel ids. A channel without
 * any row in the window is left out; one watched for less than a second has 0.
 */
export function secondsByChannel(
  entries: readonly UsageEntry[],
  nowMs: number,
): Record<string, number> {
  const oldest = firstMinuteOf(nowMs);
  const oldestPartMs = (oldest + 1) * MINUTE_MS - (nowMs - USAGE_WINDOW_MS);
  // Sums are kept in integers, milliseconds times MINUTE_MS, so that no order of rows rounds otherwise than another.
  const sums = new Map<string, number>();
  for (const { minute, channelId, deliveredMs } of entries) {
    if (minute < oldest) continue;
    const part = minute === oldest ? oldestPartMs : MINUTE_MS;
    sums.set(channelId, (sums.get(channelId) ?? 0) + deliveredMs * part);
  }
  return Object.fromEntries(
    [...sums]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([channelId, sum]) => [channelId, Math.floor(sum / (MINUTE_MS * SECOND_MS))]),
  );
}
