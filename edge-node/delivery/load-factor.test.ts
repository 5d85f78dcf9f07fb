import { describe, expect, it } from 'vitest';
import { LoadFactor } from './load-factor.ts';

function settledAt(utilization: number, max = 10, workers = 1): number {
  const load = new LoadFactor(max, workers);
  for (let step = 0; step < 200; step += 1) load.update(utilization);
  return load.value;
}

describe('the load factor', () => {
  it('stays at 1 on an idle loop, is the most on a busy one, and in proportion between', () => {
    expect(settledAt(0)).toBe(1);
    expect(settledAt(0.05)).toBe(1);
    expect(settledAt(0.275)).toBeCloseTo(5.5, 6);
    expect(settledAt(0.5)).toBeCloseTo(10, 6);
    expect(settledAt(1)).toBeCloseTo(10, 6);
  });

  it('moves a fifth of the way at each step, up and down', () => {
    const load = new LoadFactor(11);
    load.update(1);
    expect(load.value).toBeCloseTo(3, 9);
    load.update(1);
    expect(load.value).toBeCloseTo(4.6, 9);
    load.update(0);
    expect(load.value).toBeCloseTo(3.88, 9);
  });

  it('of a worker is that of one process with the users of all', () => {
    expect(settledAt(0.275 / 4, 10, 4)).toBeCloseTo(settledAt(0.275), 6);
    expect(settledAt(0.5, 10, 4)).toBeCloseTo(10, 6);
  });

  it('with DELIVERY_LOAD_FACTOR=1 never moves', () => {
    expect(settledAt(1, 1)).toBe(1);
  });
});
