import { describe, expect, it } from 'vitest';
import { SecondsRate } from './seconds-rate.ts';

/** Plays seconds with so many packets each, and tells the rate after each. */
function play(rate: SecondsRate, seconds: readonly number[], from = { ms: 0, packets: 0 }) {
  const seen: (number | undefined)[] = [];
  let { ms, packets } = from;
  for (const count of seconds) {
    ms += 1000;
    packets += count;
    rate.observe(packets, ms);
    seen.push(rate.value);
  }
  return seen;
}

const times = (count: number, packets: number) => Array.from({ length: count }, () => packets);

describe('the seconds that a channel counts', () => {
  it('are right at 50 packets of 20 ms a second, and known after a minute', () => {
    const rate = new SecondsRate(20, 0);
    const seen = play(rate, times(60, 50));
    expect(seen.slice(0, 59)).toEqual(times(59, 0).map(() => undefined));
    expect(seen[59]).toBeCloseTo(1);
    expect(rate.isOff).toBe(false);
  });

  it.each([
    [400, 8],
    [61, 1.22],
    [39, 0.78],
  ])('are off at %i packets a second: %f s', (packets, value) => {
    const rate = new SecondsRate(20, 0);
    play(rate, times(60, packets));
    expect(rate.value).toBeCloseTo(value);
    expect(rate.isOff).toBe(true);
  });

  it('are right where they come in bursts, and where some are a little off', () => {
    const bursts = new SecondsRate(20, 0);
    play(
      bursts,
      Array.from({ length: 60 }, (_, i) => (i % 4 === 0 ? 200 : 0)),
    );
    expect(bursts.isOff).toBe(false);
    const near = new SecondsRate(20, 0);
    play(near, times(60, 59));
    expect(near.isOff).toBe(false);
  });

  it('are those of each minute: a source that is mended is right again', () => {
    const rate = new SecondsRate(20, 0);
    play(rate, [...times(60, 400), ...times(60, 50)]);
    expect(rate.isOff).toBe(false);
  });

  it('are not judged over a silence, nor before another whole minute after it', () => {
    const rate = new SecondsRate(20, 0);
    const seen = play(rate, [...times(30, 50), ...times(100, 0), ...times(59, 50)]);
    expect(seen.every((value) => value === undefined)).toBe(true);
    play(rate, [...times(2, 50)], { ms: 189_000, packets: 89 * 50 });
    expect(rate.isOff).toBe(false);
  });
});
