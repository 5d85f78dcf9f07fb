import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RUN_MAX_BYTES } from '../../../shared/limits.ts';
import { COSTS } from './costs.ts';
import { type Costs, estimate, type Load, packetsOfRun } from './model.ts';

const LOAD: Load = {
  feed: 'tcp',
  relays: 0,
  nodes: 1,
  workers: 1,
  users: 500,
  channels: 10,
  sourceChannels: 10,
  packetsPerSecond: 100,
  payloadBytes: 1316,
};

const costsAsc = (loads: readonly Load[], costs: Costs = COSTS) => {
  const cores = loads.map((load) => estimate(load, costs).edgeCores);
  return cores.every((each, i) => i === 0 || each > (cores[i - 1] ?? 0));
};

describe('a run', () => {
  test('is one packet where the next comes after its linger', () => {
    expect(packetsOfRun(1, 1316, 1)).toBeCloseTo(1, 1);
  });

  test('is never larger than the batch of that load, nor than a run may be', () => {
    expect(packetsOfRun(1e6, 1, 1)).toBe(10);
    expect(packetsOfRun(1e6, 1, 7)).toBe(70);
    expect(packetsOfRun(1e6, 1316, 10)).toBe(RUN_MAX_BYTES / 1316);
    expect(packetsOfRun(1e6, RUN_MAX_BYTES * 2, 10)).toBe(1);
  });
});

describe('the CPU of an edge node', () => {
  test('grows with users, channels and rate', () => {
    expect(costsAsc([100, 1000, 3000].map((users) => ({ ...LOAD, users })))).toBe(true);
    expect(costsAsc([10, 50, 200].map((sourceChannels) => ({ ...LOAD, sourceChannels })))).toBe(
      true,
    );
    expect(
      costsAsc([50, 100, 400].map((packetsPerSecond) => ({ ...LOAD, packetsPerSecond }))),
    ).toBe(true);
  });

  test('is less for each gigabyte, the busier it is', () => {
    const perGigabyte = (users: number) => {
      const { edgeCores, gigabytesPerSecond } = estimate({ ...LOAD, users }, COSTS);
      return edgeCores / gigabytesPerSecond;
    };
    expect(perGigabyte(1000)).toBeLessThan(perGigabyte(100));
  });

  test('settles at the load factor that it causes, for any load', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20_000 }),
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 8 }),
        (users, channels, workers) => {
          const load = { ...LOAD, users, channels, sourceChannels: channels, workers };
          const { processCores, loadFactor } = estimate(load, COSTS);
          const asked = 1 + Math.min(1, Math.max(0, (processCores * workers - 0.05) / 0.45)) * 9;
          expect(loadFactor).toBeCloseTo(asked, 1);
        },
      ),
    );
  });

  test('of several nodes is that of each, and of several workers takes the channels in so often', () => {
    const one = estimate(LOAD, COSTS).edgeCores;
    expect(estimate({ ...LOAD, nodes: 3, users: 3 * LOAD.users }, COSTS).edgeCores).toBeCloseTo(
      3 * one,
    );
    const dear = { ...COSTS, read: COSTS.read * 10 };
    const more = (costs: Costs) =>
      estimate({ ...LOAD, workers: 4 }, costs).edgeCores - estimate(LOAD, costs).edgeCores;
    expect(more(dear)).toBeGreaterThan(more(COSTS));
  });
});

describe('by NATS', () => {
  const few: Load = { ...LOAD, feed: 'nats', relays: 1, channels: 3, sourceChannels: 1000 };

  test('a node pays for the channels that are watched, by TCP for all', () => {
    expect(estimate(few, COSTS).edgeCores).toBeLessThan(
      estimate({ ...few, feed: 'tcp' }, COSTS).edgeCores,
    );
    expect(estimate(few, COSTS).edgeMegabytes).toBeLessThan(
      estimate({ ...few, feed: 'tcp' }, COSTS).edgeMegabytes,
    );
  });

  test('the relay pays for all channels, whoever watches, and servers for each that they are sent to', () => {
    const relay = (load: Load) => estimate(load, COSTS).relayCores;
    expect(relay({ ...few, users: 1 })).toBe(relay(few));
    expect(relay({ ...few, sourceChannels: 2000 })).toBeGreaterThan(relay(few));
    const servers = (nodes: number) => estimate({ ...few, nodes }, COSTS).natsCores;
    expect(servers(3) - servers(2)).toBeCloseTo(servers(2) - servers(1));
  });

  test('a second relay doubles what servers and nodes take in', () => {
    const two = estimate({ ...few, relays: 2 }, COSTS);
    expect(two.natsCores - COSTS.serverCores).toBeCloseTo(
      2 * (estimate(few, COSTS).natsCores - COSTS.serverCores),
    );
    expect(two.edgeCores).toBeGreaterThan(estimate(few, COSTS).edgeCores);
  });

  test('without it there is neither', () => {
    expect(estimate(LOAD, COSTS)).toMatchObject({ relayCores: 0, natsCores: 0 });
  });
});
