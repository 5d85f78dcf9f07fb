import { expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';

it('doubles with each failure up to a bound, and is shorter by a half at the most', () => {
  for (const [failures, mostMs] of [
    [0, 100],
    [1, 200],
    [5, 3_200],
    [6, 5_000],
    [2_000, 5_000],
  ] as const) {
    const waitMs = backoffMs(failures, 100, 5_000);
    expect(waitMs).toBeGreaterThanOrEqual(mostMs / 2);
    expect(waitMs).toBeLessThanOrEqual(mostMs);
  }
});
