import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MINUTE_MS } from '../../shared/limits.ts';
import { Rig, watch, watchers } from './testing/rig.ts';

vi.setConfig({ testTimeout: 120_000 });

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.end());

const USERS = 2000;

test.each([5000, 7000, 15_000, 45_000, 60_000])(
  'at USAGE_FLUSH_MS=%i rows come evenly over the minute: no second has more than 1.3 times the mean',
  async (flushMs) => {
    const edge = await rig.start({ USAGE_FLUSH_MS: String(flushMs) });
    const users = watchers(edge, USERS);
    await watch(users, 2 * MINUTE_MS);
    const bySecond: number[] = [];
    for (let second = 0; second < 60; second += 1) {
      const before = rig.store.calls.flat().length;
      await watch(users, 1000);
      bySecond.push(rig.store.calls.flat().length - before);
    }
    const mean = bySecond.reduce((sum, rows) => sum + rows) / bySecond.length;
    expect(mean).toBeGreaterThanOrEqual(USERS / 60);
    expect(Math.max(...bySecond) / mean, bySecond.join(' ')).toBeLessThanOrEqual(1.3);
  },
);
