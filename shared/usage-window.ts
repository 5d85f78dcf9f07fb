import type { Minute } from './ids.ts';
import { minuteOf } from './ids.ts';
import { MINUTE_MS, USAGE_WINDOW_MS } from './limits.ts';
import type { ChannelUsage } from './store/store.ts';

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
 * Whole seconds watched per channel within the window, rounded down, in the order of channel ids, of what was read from
 * the window's first minute on. A channel without any row in it is left out; one watched for less than a second has 0.
 */
export function secondsByChannel(
  channels: readonly ChannelUsage[],
  nowMs: number,
): Record<string, number> {
  const oldest = firstMinuteOf(nowMs);
  const oldestPartMs = (oldest + 1) * MINUTE_MS - (nowMs - USAGE_WINDOW_MS);
  // In integers, milliseconds times MINUTE_MS, so that nothing is rounded before the sum.
  const seconds = ({ firstMs, laterMs }: ChannelUsage) =>
    Math.floor((firstMs * oldestPartMs + laterMs * MINUTE_MS) / (MINUTE_MS * SECOND_MS));
  return Object.fromEntries(
    channels
      .toSorted((a, b) => (a.channelId < b.channelId ? -1 : 1))
      .map((channel) => [channel.channelId, seconds(channel)]),
  );
}
