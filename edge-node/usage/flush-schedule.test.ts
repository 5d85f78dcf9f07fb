import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SETTINGS } from '../../shared/config.ts';
import { MINUTE_MS } from '../../shared/limits.ts';
import { flushSchedule, roundsUntil } from './flush-schedule.ts';

const anyFlushMs = fc.integer({ min: 100, max: 3_600_000 });

describe('the flush schedule', () => {
  test('leaves time to the disk before a kill could lose two intervals', () => {
    fc.assert(
      fc.property(anyFlushMs, (flushMs) => {
        const schedule = flushSchedule(flushMs);
        const { growing, firstRoundMs, laterRoundMs } = schedule;
        const longest = Math.max(firstRoundMs, laterRoundMs);
        const untilItsTurn = growing ? longest : MINUTE_MS + longest;
        const { spoolAfterMs, spoolEveryMs, tickMs } = schedule;
        const untilSpooled = untilItsTurn + spoolAfterMs + spoolEveryMs + tickMs;
        expect(untilSpooled).toBeLessThanOrEqual(1.97 * flushMs);
      }),
    );
  });

  test('at the default a user costs one row an interval, the turn of the minute included', () => {
    const flushMs = SETTINGS.USAGE_FLUSH_MS.parse(SETTINGS.USAGE_FLUSH_MS.default);
    expect(flushSchedule(flushMs).roundsPerMinute + 1).toBe(MINUTE_MS / flushMs);
  });

  test('no part of a minute writes more than 1.3 times the mean', () => {
    fc.assert(
      fc.property(anyFlushMs, (flushMs) => {
        const { growing, firstRoundMs, laterRoundMs, roundsPerMinute } = flushSchedule(flushMs);
        const rowsOfFirst = growing ? 2 : 1;
        const mean = (roundsPerMinute - 1 + rowsOfFirst) / MINUTE_MS;
        expect(rowsOfFirst / firstRoundMs).toBeLessThanOrEqual(1.3 * mean);
        if (growing) expect(1 / laterRoundMs).toBeLessThanOrEqual(1.3 * mean);
      }),
    );
  });

  test('rounds go on evenly from minute to minute, and each user has all its turns in each', () => {
    fc.assert(
      fc.property(anyFlushMs, fc.nat(10), fc.nat(MINUTE_MS - 1), (flushMs, minute, atMs) => {
        const schedule = flushSchedule(flushMs);
        const { roundsPerMinute } = schedule;
        const startMs = minute * MINUTE_MS;
        expect(roundsUntil(schedule, startMs)).toBe(minute * roundsPerMinute);
        const now = roundsUntil(schedule, startMs + atMs);
        expect(roundsUntil(schedule, startMs + atMs + 1)).toBeGreaterThanOrEqual(now);
        expect(now).toBeLessThanOrEqual((minute + 1) * roundsPerMinute + 1e-9);
      }),
    );
  });

  test('writes ended rows only from a minute on', () => {
    expect(flushSchedule(MINUTE_MS - 1).growing).toBe(true);
    expect(flushSchedule(MINUTE_MS).growing).toBe(false);
  });
});
