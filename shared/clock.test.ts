import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from './clock.ts';
import { CLOCK_STEP_PERSISTS_MS } from './limits.ts';

const START_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
});
afterEach(() => {
  vi.useRealTimers();
});

const setWallClock = (ms: number) => vi.setSystemTime(Date.now() + ms);

/** Looks at the clock each 100 ms, as a process does that counts. */
function watch(clock: ReturnType<typeof systemClock>, ms: number): number[] {
  const seen: number[] = [];
  for (let at = 0; at < ms; at += 100) {
    vi.advanceTimersByTime(100);
    seen.push(clock.epochMs());
  }
  return seen;
}

describe('the clock of a long life', () => {
  test('goes on with the wall clock', () => {
    const clock = systemClock();
    expect(clock.epochMs()).toBe(START_MS);
    expect(watch(clock, 1000).at(-1)).toBe(START_MS + 1000);
  });

  test.each([HOUR_MS, -HOUR_MS])('a step by %i ms counts once it has stayed', (stepMs) => {
    const clock = systemClock();
    watch(clock, 1000);
    setWallClock(stepMs);
    const doubting = watch(clock, CLOCK_STEP_PERSISTS_MS);
    expect(doubting.at(-1)).toBe(START_MS + 1000 + CLOCK_STEP_PERSISTS_MS);
    expect(watch(clock, 200).at(-1)).toBe(Date.now());
  });

  test.each([HOUR_MS, -HOUR_MS])('a step by %i ms and back counts for nothing', (stepMs) => {
    const clock = systemClock();
    for (let i = 0; i < 5; i += 1) {
      setWallClock(stepMs);
      watch(clock, CLOCK_STEP_PERSISTS_MS - 500);
      setWallClock(-stepMs);
      watch(clock, 100);
    }
    expect(clock.epochMs()).toBe(Date.now());
  });

  test('follows small corrections, and never goes back for them', () => {
    const clock = systemClock();
    let latest = clock.epochMs();
    for (const correctionMs of [300, -300, -900, 900, -50]) {
      setWallClock(correctionMs);
      for (const seen of watch(clock, 2000)) {
        expect(seen).toBeGreaterThanOrEqual(latest);
        latest = seen;
      }
      expect(latest).toBe(Date.now());
    }
  });
});
