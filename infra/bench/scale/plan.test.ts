import fc from 'fast-check';
import { expect, test } from 'vitest';
import { COSTS } from './costs.ts';
import { estimate } from './model.ts';
import { type Demand, MACHINE, type Plan, plan } from './plan.ts';

const DEMAND: Demand = { viewers: 100_000, channels: 20, megabitsPerSecond: 0.5, feed: 'nats' };

function planned(demand: Demand, machine = MACHINE, costs = COSTS): Plan {
  const it = plan(demand, machine, costs);
  if (it === undefined) throw new Error('no fleet is enough');
  return it;
}

test('a fleet stays within the bounds of its machines', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1000, max: 1_000_000 }),
      fc.integer({ min: 1, max: 200 }),
      fc.constantFrom(0.5, 1, 4),
      fc.constantFrom('tcp', 'nats'),
      (viewers, channels, megabitsPerSecond, feed) => {
        const it = plan({ viewers, channels, megabitsPerSecond, feed }, MACHINE, COSTS);
        if (it === undefined) return;
        expect(it.usersOfNode).toBeLessThanOrEqual(MACHINE.mostUsers);
        expect(it.nodeGigabitsPerSecond).toBeLessThanOrEqual(
          MACHINE.gigabitsPerSecond * MACHINE.fill,
        );
        expect(it.edge.processCores).toBeLessThanOrEqual(MACHINE.fill);
        expect(it.boundBy === 'one node').toBe(it.nodes === 1);
      },
    ),
  );
});

test('a faster network takes fewer nodes where the network bounds them', () => {
  const demand = { ...DEMAND, viewers: 1_000_000 };
  const slow = planned(demand);
  const fast = planned(demand, { ...MACHINE, gigabitsPerSecond: 40 }, COSTS);
  expect(slow.boundBy).toBe('network');
  expect(fast.nodes).toBeLessThan(slow.nodes);
});

test('the source bears two relays, however many nodes there are; by TCP every process of each', () => {
  const relayed = (viewers: number) => planned({ ...DEMAND, viewers });
  expect(relayed(1e6).sourceGigabitsPerSecond).toBe(relayed(1e5).sourceGigabitsPerSecond);
  const direct = planned({ ...DEMAND, feed: 'tcp' });
  expect(direct.sourceGigabitsPerSecond / relayed(1e5).sourceGigabitsPerSecond).toBeCloseTo(
    (direct.nodes * direct.workers) / 2,
  );
  expect(direct).toMatchObject({ relays: 0, natsServers: 0 });
});

test('a source too large for one core or one card is shared out to more relays, two of each share', () => {
  const dear = { ...COSTS, relayMessage: 1000 };
  const it = planned(DEMAND, MACHINE, dear);
  const { relayCores } = estimate(
    {
      feed: 'nats',
      relays: 2,
      nodes: 1,
      workers: 1,
      users: 1,
      channels: 1,
      sourceChannels: DEMAND.channels,
      packetsPerSecond: (DEMAND.megabitsPerSecond * 1e6) / 8 / 1316,
      payloadBytes: 1316,
    },
    dear,
  );
  expect(it.relays).toBe(2 * Math.ceil(relayCores / MACHINE.fill));
});

test('a thousand viewers cost the same traffic and rows in any fleet', () => {
  const [few, many] = [1e5, 1e6].map(
    (viewers) => planned({ ...DEMAND, viewers }).dollarsPerThousand,
  );
  expect(many?.traffic).toBeCloseTo(few?.traffic ?? 0);
  expect(many?.rows).toBeCloseTo(few?.rows ?? 0);
});

test('where a process cannot take in the source, there is no fleet', () => {
  const demand = { ...DEMAND, channels: 100_000, megabitsPerSecond: 4 };
  expect(plan({ ...demand, feed: 'tcp' }, MACHINE, COSTS)).toBeUndefined();
});
