import { type ChannelId, type Hour, type Minute, minuteOf } from './ids.ts';
import { HOUR_MS, MINUTE_MS, USAGE_WINDOW_MS } from './limits.ts';
import type { ChannelUsage } from './store/store.ts';

/**
 * The last 24 hours as /usage means them: from exactly USAGE_WINDOW_MS ago, which mostly falls inside a minute, until
 * now. Rows know whole minutes only, so the oldest one counts by the part of it that still lies in the window; minutes
 * ahead of our clock count in full, since whoever wrote them has delivered that much.
 */

const SECOND_MS = 1_000;

/** Whole seconds by channel, in the order of channel ids. */
export type Seconds = Readonly<Record<string, number>>;

/** What was watched in one hour of UTC. */
export interface HourSeconds {
  /** Its begin, such as 2026-01-15T11:00:00.000Z. */
  readonly from: string;
  readonly sessions: Seconds;
}

/** The first minute with a part in the window of `nowMs` (milliseconds since the epoch). */
export function firstMinuteOf(nowMs: number): Minute {
  return minuteOf(nowMs - USAGE_WINDOW_MS);
}

/**
 * Whole seconds watched per channel within the window, rounded down, of what was read from the window's first minute on.
 * A channel without any row in it is left out; one watched for less than a second has 0.
 */
export function secondsByChannel(read: readonly ChannelUsage[], nowMs: number): Seconds {
  const oldestPartMs = partOfOldest(nowMs);
  const watched = new Map<ChannelId, number>();
  for (const usage of read) {
    const before = watched.get(usage.channelId) ?? 0;
    watched.set(usage.channelId, before + exactly(usage, oldestPartMs));
  }
  return roundedDown(watched);
}

/**
 * The same by hour, oldest first, without hours that have no row. Each is rounded down on its own, so that an hour that
 * is over keeps its figures as long as all of it is in the window; they add up to the total, or to less than a second
 * below it for each hour.
 */
export function secondsByHour(read: readonly ChannelUsage[], nowMs: number): HourSeconds[] {
  const oldestPartMs = partOfOldest(nowMs);
  const hours = new Map<Hour, Map<ChannelId, number>>();
  for (const usage of read) {
    const watched = hours.get(usage.hour) ?? new Map<ChannelId, number>();
    hours.set(usage.hour, watched.set(usage.channelId, exactly(usage, oldestPartMs)));
  }
  return [...hours]
    .sort(([a], [b]) => a - b)
    .map(([hour, watched]) => ({
      from: new Date(hour * HOUR_MS).toISOString(),
      sessions: roundedDown(watched),
    }));
}

/** How much of the oldest minute lies in the window. */
function partOfOldest(nowMs: number): number {
  return (firstMinuteOf(nowMs) + 1) * MINUTE_MS - (nowMs - USAGE_WINDOW_MS);
}

/** In milliseconds times MINUTE_MS: integers, so that nothing is rounded before the sum. */
function exactly({ firstMs, laterMs }: ChannelUsage, oldestPartMs: number): number {
  return firstMs * oldestPartMs + laterMs * MINUTE_MS;
}

function roundedDown(watched: ReadonlyMap<ChannelId, number>): Seconds {
  return Object.fromEntries(
    [...watched]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([channelId, exact]) => [channelId, Math.floor(exact / (MINUTE_MS * SECOND_MS))]),
  );
}
