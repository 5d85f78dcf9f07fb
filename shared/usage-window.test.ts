import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChannelId, Minute } from './ids.ts';
import { HOUR_MS, MINUTE_MS, USAGE_WINDOW_MS } from './limits.ts';
import type { ChannelUsage } from './store/store.ts';
import { UsageSum } from './store/usage-sum.ts';
import {
  firstMinuteOf,
  type HourSeconds,
  secondsByChannel,
  secondsByHour,
} from './usage-window.ts';

const NOON = Date.UTC(2026, 0, 15, 12);
const MINUTES_OF_WINDOW = USAGE_WINDOW_MS / MINUTE_MS;

interface UsageEntry {
  readonly minute: Minute;
  readonly channelId: ChannelId;
  readonly deliveredMs: number;
}

/** As a store sums the rows from the window's first minute on. */
function summed(entries: readonly UsageEntry[], nowMs: number): ChannelUsage[] {
  const sum = new UsageSum(firstMinuteOf(nowMs));
  for (const { minute, channelId, deliveredMs } of entries) sum.add(minute, channelId, deliveredMs);
  return sum.channels;
}

/** As /usage counts them. */
function secondsOf(entries: readonly UsageEntry[], nowMs: number): Record<string, number> {
  return secondsByChannel(summed(entries, nowMs), nowMs);
}

function hoursOf(entries: readonly UsageEntry[], nowMs: number): HourSeconds[] {
  return secondsByHour(summed(entries, nowMs), nowMs);
}

function entry(minute: number, deliveredMs: number, channel = 'zato01'): UsageEntry {
  return { minute: minute as Minute, channelId: channel as ChannelId, deliveredMs };
}

/** A row in every minute of the two days before `nowMs`, each watched from end to end. */
function watchedThroughout(nowMs: number): UsageEntry[] {
  const last = Math.floor(nowMs / MINUTE_MS);
  return Array.from({ length: 2 * MINUTES_OF_WINDOW }, (_, back) => entry(last - back, MINUTE_MS));
}

const rows = fc.array(
  fc
    .record({
      back: fc.integer({ min: -2, max: MINUTES_OF_WINDOW + 2 }),
      deliveredMs: fc.integer({ min: 0, max: 8 * MINUTE_MS }),
      channel: fc.constantFrom('zato01', 'zato02', 'zato03'),
    })
    .map(({ back, deliveredMs, channel }) => entry(NOON / MINUTE_MS - back, deliveredMs, channel)),
  { maxLength: 60 },
);
const moment = fc.integer({ min: 0, max: MINUTE_MS - 1 }).map((offset) => NOON + offset);

describe('the first minute to read', () => {
  it('is the one that holds the window’s first millisecond', () => {
    expect(firstMinuteOf(NOON)).toBe(NOON / MINUTE_MS - MINUTES_OF_WINDOW);
    expect(firstMinuteOf(NOON + MINUTE_MS - 1)).toBe(NOON / MINUTE_MS - MINUTES_OF_WINDOW);
    expect(firstMinuteOf(NOON + MINUTE_MS)).toBe(NOON / MINUTE_MS - MINUTES_OF_WINDOW + 1);
  });
});

describe('seconds by channel', () => {
  const oldest = firstMinuteOf(NOON);

  it('are none for a user without rows', () => {
    expect(secondsOf([], NOON)).toEqual({});
  });

  it('are summed over minutes and writers, each channel for itself, in the order of their ids', () => {
    const minute = NOON / MINUTE_MS - 1;
    const rows = [
      entry(minute, 30_000, 'zato02'),
      entry(minute, 30_000),
      entry(minute, 500),
      entry(minute - 1, 500, 'zato02'),
      entry(minute - 1, 501),
    ];
    const seconds = secondsOf(rows, NOON);
    expect(seconds).toEqual({ zato01: 31, zato02: 30 });
    expect(Object.keys(seconds)).toEqual(['zato01', 'zato02']);
  });

  it('are rounded down once, after the sum', () => {
    expect(secondsOf([entry(oldest + 5, 999)], NOON)).toEqual({ zato01: 0 });
    expect(secondsOf([entry(oldest + 5, 999), entry(oldest + 6, 1)], NOON)).toEqual({
      zato01: 1,
    });
  });

  it('count the oldest minute by its part in the window, to the millisecond', () => {
    const row = [entry(oldest, MINUTE_MS)];
    expect(secondsOf(row, NOON)).toEqual({ zato01: 60 });
    expect(secondsOf(row, NOON + 1)).toEqual({ zato01: 59 });
    expect(secondsOf(row, NOON + 1_000)).toEqual({ zato01: 59 });
    expect(secondsOf(row, NOON + 1_001)).toEqual({ zato01: 58 });
    expect(secondsOf(row, NOON + MINUTE_MS - 1)).toEqual({ zato01: 0 });
    expect(secondsOf(row, NOON + MINUTE_MS)).toEqual({});
  });

  it('leave out rows from before the window and keep those ahead of our clock', () => {
    expect(secondsOf([entry(oldest - 1, MINUTE_MS)], NOON)).toEqual({});
    expect(secondsOf([entry(NOON / MINUTE_MS + 3, MINUTE_MS)], NOON)).toEqual({
      zato01: 60,
    });
  });

  it('do not lose a channel whose id is a name that objects have of their own', () => {
    expect(secondsOf([entry(oldest + 1, 2_000, '__proto__')], NOON)).toEqual(
      Object.fromEntries([['__proto__', 2]]),
    );
  });

  it('of somebody who never stops are the window and the minute begun, whatever the moment', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 * MINUTE_MS }), (offsetMs) => {
        const nowMs = NOON + offsetMs;
        const endOfMinute = Math.ceil((nowMs + 1) / MINUTE_MS) * MINUTE_MS;
        const expected = Math.floor((USAGE_WINDOW_MS + (endOfMinute - nowMs)) / 1_000);
        expect(secondsOf(watchedThroughout(nowMs), nowMs)).toEqual({ zato01: expected });
      }),
      { numRuns: 200 },
    );
  });

  it('equal an exact sum in whole numbers, in any order of the rows', () => {
    fc.assert(
      fc.property(rows, moment, (entries, nowMs) => {
        const startMs = BigInt(nowMs - USAGE_WINDOW_MS);
        const exact = new Map<string, bigint>();
        for (const { minute, channelId, deliveredMs } of entries) {
          const from = BigInt(minute * MINUTE_MS);
          const cut = startMs > from ? startMs - from : 0n;
          const part = BigInt(MINUTE_MS) - cut;
          if (part <= 0n) continue;
          exact.set(channelId, (exact.get(channelId) ?? 0n) + BigInt(deliveredMs) * part);
        }
        const expected = Object.fromEntries(
          [...exact].map(([id, sum]) => [id, Number(sum / BigInt(MINUTE_MS * 1_000))]),
        );
        expect(secondsOf(entries, nowMs)).toEqual(expected);
        expect(secondsOf(entries.toReversed(), nowMs)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('never grow while time passes and nothing is watched', () => {
    fc.assert(
      fc.property(rows, moment, fc.integer({ min: 0, max: MINUTE_MS }), (entries, nowMs, later) => {
        const before = secondsOf(entries, nowMs);
        const after = secondsOf(entries, nowMs + later);
        for (const [channel, seconds] of Object.entries(after)) {
          expect(seconds).toBeLessThanOrEqual(before[channel] ?? -1);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('need no row from before the first minute to read', () => {
    fc.assert(
      fc.property(rows, moment, (entries, nowMs) => {
        const read = entries.filter(({ minute }) => minute >= firstMinuteOf(nowMs));
        expect(secondsOf(read, nowMs)).toEqual(secondsOf(entries, nowMs));
      }),
      { numRuns: 300 },
    );
  });
});

describe('seconds by hour', () => {
  const ELEVEN = NOON / MINUTE_MS - 60;

  it('are none for a user without rows', () => {
    expect(hoursOf([], NOON)).toEqual([]);
  });

  it('stand under the begin of each hour with a row, oldest first, by channel', () => {
    const entries = [
      entry(NOON / MINUTE_MS, 2_500, 'zato02'),
      entry(ELEVEN - 1, 1_000),
      entry(ELEVEN, 30_000, 'zato02'),
      entry(ELEVEN + 59, 30_000),
      entry(NOON / MINUTE_MS, 999),
    ];
    expect(JSON.stringify(hoursOf(entries, NOON))).toBe(
      JSON.stringify([
        { from: '2026-01-15T10:00:00.000Z', sessions: { zato01: 1 } },
        { from: '2026-01-15T11:00:00.000Z', sessions: { zato01: 30, zato02: 30 } },
        { from: '2026-01-15T12:00:00.000Z', sessions: { zato01: 0, zato02: 2 } },
      ]),
    );
  });

  it('count the oldest minute by its part in the window, and of the oldest hour what is left', () => {
    const oldest = firstMinuteOf(NOON);
    const entries = [entry(oldest, MINUTE_MS), entry(oldest + 1, MINUTE_MS)];
    const from = '2026-01-14T12:00:00.000Z';
    expect(hoursOf(entries, NOON)).toEqual([{ from, sessions: { zato01: 120 } }]);
    expect(hoursOf(entries, NOON + 1_500)).toEqual([{ from, sessions: { zato01: 118 } }]);
    expect(hoursOf(entries, NOON + MINUTE_MS)).toEqual([{ from, sessions: { zato01: 60 } }]);
    expect(hoursOf(entries, NOON + 2 * MINUTE_MS)).toEqual([]);
  });

  it('equal a naive model: the total’s own count, of the rows of one hour alone', () => {
    fc.assert(
      fc.property(rows, moment, (entries, nowMs) => {
        const living = entries.filter(({ minute }) => minute >= firstMinuteOf(nowMs));
        const byHour = Map.groupBy(living, ({ minute }) => Math.floor(minute / 60));
        const expected = [...byHour]
          .sort(([a], [b]) => a - b)
          .map(([hour, ofHour]) => ({
            from: new Date(hour * HOUR_MS).toISOString(),
            sessions: secondsOf(ofHour, nowMs),
          }));
        expect(hoursOf(entries, nowMs)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('add up to the total, less what rounding takes: under a second for each hour', () => {
    fc.assert(
      fc.property(rows, moment, (entries, nowMs) => {
        const total = secondsOf(entries, nowMs);
        const hours = hoursOf(entries, nowMs);
        const channels = new Set(hours.flatMap(({ sessions }) => Object.keys(sessions)));
        expect(channels).toEqual(new Set(Object.keys(total)));
        for (const [channel, seconds] of Object.entries(total)) {
          const parts = hours.flatMap(({ sessions }) => sessions[channel] ?? []);
          const sum = parts.reduce((a, b) => a + b, 0);
          expect(sum).toBeLessThanOrEqual(seconds);
          expect(sum).toBeGreaterThan(seconds - parts.length);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('of an hour that is over stay as they are until the window leaves it', () => {
    fc.assert(
      fc.property(rows, moment, fc.integer({ min: 0, max: 30 * HOUR_MS }), (entries, nowMs, ms) => {
        const later = nowMs + ms;
        const whole = ({ from }: HourSeconds) => Date.parse(from) >= later - USAGE_WINDOW_MS;
        expect(hoursOf(entries, later).filter(whole)).toEqual(
          hoursOf(entries, nowMs).filter(whole),
        );
      }),
      { numRuns: 300 },
    );
  });
});
