import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MINUTE_MS, SPOOL_LEASE_MS, SPOOL_READ_MS } from '../../../shared/limits.ts';
import type { UsageTally } from '../meter.ts';
import type { Edge } from '../testing/edge.ts';
import { pass, Rig, watch, watchers } from '../testing/rig.ts';

vi.setConfig({ testTimeout: 120_000 });

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.end());

async function startMany(count: number): Promise<{ edges: Edge[]; tallies: UsageTally[] }> {
  const edges: Edge[] = [];
  const tallies: UsageTally[] = [];
  for (let i = 0; i < count; i += 1) {
    const edge = await rig.start();
    edges.push(edge);
    tallies.push(...watchers(edge, 20));
    await pass(137);
  }
  return { edges, tallies };
}

describe('edge nodes that share a spool folder', () => {
  test('each store what they counted, once, when the store is back', async () => {
    const { tallies } = await startMany(10);
    rig.store.mode = 'failing';
    const counted = await watch(tallies, 10 * MINUTE_MS);
    rig.store.calls.length = 0;
    rig.store.mode = 'up';
    await pass(2 * SPOOL_READ_MS);
    expect(rig.store.totalMs()).toBe(tallies.length * counted);
    expect(rig.store.calls.flat().length).toBeLessThanOrEqual(1.05 * rig.store.rows.length);
    expect(rig.folder.files.size).toBe(0);
    expect(rig.folder.leases.size).toBe(0);
  });

  test('store what dead ones have left, each file once', async () => {
    const { edges, tallies } = await startMany(4);
    rig.store.mode = 'failing';
    const counted = await watch(tallies, 10 * MINUTE_MS);
    for (const edge of edges) edge.kill();
    await startMany(6);
    await pass(3 * SPOOL_LEASE_MS);
    rig.store.calls.length = 0;
    rig.store.mode = 'up';
    await pass(2 * SPOOL_READ_MS);
    expect(rig.store.totalMs()).toBeGreaterThan(tallies.length * (counted - 10_000));
    expect(rig.store.totalMs()).toBeLessThanOrEqual(tallies.length * counted);
    // A row that grew stands in several files; each of those is read once.
    const asked = rig.store.calls.flat().map((row) => JSON.stringify(row));
    expect(new Set(asked).size).toBe(asked.length);
    expect(rig.folder.files.size).toBe(0);
    expect(rig.folder.leases.size).toBe(0);
  });

  test('store at once what one has left of which they are told that it is dead', async () => {
    const { edges, tallies } = await startMany(2);
    const [dead, heir] = edges as [Edge, Edge];
    rig.store.mode = 'failing';
    const counted = await watch(tallies, MINUTE_MS);
    rig.store.mode = 'up';
    await pass(SPOOL_READ_MS);
    rig.store.mode = 'failing';
    const later = await watch(tallies, MINUTE_MS);
    dead.kill();
    rig.store.mode = 'up';
    heir.writer.ownerDied(dead.writer.owner);
    // Far from the time after which it would be taken for dead, or the folder read again.
    await pass(SPOOL_LEASE_MS / 2);
    expect(rig.folder.files.size).toBe(0);
    expect(rig.store.totalMs()).toBeGreaterThan(tallies.length * (counted + later - 10_000));
  });

  test('a reader that dies over a file leaves it to the next', async () => {
    const { edges, tallies } = await startMany(2);
    rig.store.mode = 'failing';
    const counted = await watch(tallies, MINUTE_MS);
    for (const edge of edges) edge.kill();
    rig.store.mode = 'hanging';
    const reader = await rig.start();
    await pass(3 * SPOOL_LEASE_MS);
    expect(
      [...rig.folder.files.keys()].some((name) => name.startsWith(reader.meter.writerId)),
    ).toBe(true);
    reader.kill();
    rig.store.mode = 'up';
    await rig.start();
    await pass(3 * SPOOL_LEASE_MS);
    expect(rig.store.totalMs()).toBeGreaterThan(tallies.length * (counted - 10_000));
    expect(rig.folder.files.size).toBe(0);
    expect(rig.folder.leases.size).toBe(0);
  });
});
