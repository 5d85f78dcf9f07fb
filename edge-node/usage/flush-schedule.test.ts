import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SETTINGS } from '../../shared/config.ts';
import { MINUTE_MS } from '../../shared/limits.ts';
import { flushSchedule } from './flush-schedule.ts';

const anyFlushMs = fc.integer({ min: 100, max: 3_600_000 });

describe('the flush schedule', () => {
  test('leaves a quarter of an interval to the disk before a kill could lose two', () => {
    fc.assert(
      fc.property(anyFlushMs, (flushMs) => {
        const { growing, roundMs, spoolAfterMs, spoolEveryMs, tickMs } = flushSchedule(flushMs);
        const untilItsTurn = growing ? roundMs : MINUTE_MS + roundMs;
        const untilSpooled = untilItsTurn + spoolAfterMs + spoolEveryMs + tickMs;
        expect(untilSpooled).toBeLessThanOrEqual(1.75 * flushMs);
      }),
    );
  });

  test('at the default a user costs one row an interval, the turn of the minute included', () => {
    const flushMs = SETTINGS.USAGE_FLUSH_MS.parse(SETTINGS.USAGE_FLUSH_MS.default);
    const { roundMs } = flushSchedule(flushMs);
    expect(MINUTE_MS / roundMs + 1).toBeCloseTo(MINUTE_MS / flushMs, 9);
  });

  test('writes ended rows only from a minute on', () => {
    expect(flushSchedule(MINUTE_MS - 1).growing).toBe(true);
    expect(flushSchedule(MINUTE_MS).growing).toBe(false);
  });
});
