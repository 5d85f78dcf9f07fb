import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MINUTE_MS, SPOOL_LEASE_MS, SPOOL_READ_MS } from '../../shared/limits.ts';
import type { UsageRow } from '../../shared/store/store.ts';
import { PACKET_MS } from './testing/edge.ts';
import { pass, Rig, watch, watchers } from './testing/rig.ts';

vi.setConfig({ testTimeout: 120_000 });

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.end());

const refusing = (users: number) => (row: UsageRow) => Number(row.userId.split('-')[1]) < users;

describe('a store that refuses some rows', () => {
  test.each([4, 333])(
    'of %i of 1,000 users holds up none of the others, and gets them once it takes them',
    async (refused) => {
      const edge = await rig.start();
      const users = watchers(edge, 1000);
      rig.store.refuses = refusing(refused);
      const counted = await watch(users, 10 * MINUTE_MS);
      const late = users.filter((_, i) => i >= refused && !isFresh(`user-${i}`, edge.meter.minute));
      expect(late).toEqual([]);
      expect(rig.store.totalMs()).toBeGreaterThan((1000 - refused) * (counted - 10_000));
      expect(edge.writer.stats).toMatchObject({ reachable: true, saveFailures: 0 });
      rig.store.refuses = () => false;
      await rig.stop(edge);
      await rig.start();
      await pass(MINUTE_MS);
      expect(rig.store.totalMs()).toBe(1000 * counted);
      expect(rig.folder.files.size).toBe(0);
    },
  );

  /** The store has a row of the user's that is at most a minute old. */
  function isFresh(userId: string, minute: number): boolean {
    return rig.store.rows.some((row) => row.userId === userId && row.minute >= minute - 1);
  }

  test('is asked for a refused row less and less often', async () => {
    const edge = await rig.start({ USAGE_FLUSH_MS: '60000' });
    rig.store.refuses = refusing(1);
    for (const tally of watchers(edge, 2)) {
      tally.add(50);
      tally.close();
    }
    await pass(10 * MINUTE_MS);
    const asked = rig.store.calls.flat().filter((row) => row.userId === 'user-0').length;
    expect(asked).toBeGreaterThan(10);
    expect(asked).toBeLessThan(20);
    expect(rig.store.totalMs()).toBe(50 * PACKET_MS);
  });

  test('by failing every call that holds nothing else still takes the files behind them', async () => {
    const first = await rig.start();
    rig.store.mode = 'failing';
    const tallies = watchers(first, 8);
    for (const tally of tallies) {
      tally.add(50);
      await pass(6000);
    }
    await rig.stop(first);
    expect(rig.folder.files.size).toBeGreaterThan(4);
    rig.store.mode = 'up';
    const { store } = rig;
    const save = store.saveUsage.bind(store);
    store.saveUsage = async (rows) => {
      if (rows.every(refusing(4))) throw new Error('not enough replicas');
      return save(rows);
    };
    await rig.start();
    await pass(15 * SPOOL_READ_MS);
    expect(rig.store.totalMs()).toBe(4 * 50 * PACKET_MS);
    rig.store.saveUsage = save;
    await pass(2 * SPOOL_READ_MS);
    expect(rig.store.totalMs()).toBe(8 * 50 * PACKET_MS);
    expect(rig.folder.files.size).toBe(0);
  });

  test('takes the other rows of a spool file, and of the files behind it', async () => {
    const first = await rig.start();
    rig.store.mode = 'failing';
    const counted = await watch(watchers(first, 300), MINUTE_MS);
    await rig.stop(first);
    rig.store.mode = 'up';
    rig.store.refuses = refusing(3);
    rig.store.calls.length = 0;
    const second = await rig.start();
    await pass(SPOOL_LEASE_MS + SPOOL_READ_MS);
    expect(rig.store.totalMs()).toBe(297 * counted);
    const before = rig.store.calls.flat().length;
    await pass(60 * MINUTE_MS);
    const asked = rig.store.calls.flat().slice(before);
    expect(asked.filter((row) => !rig.store.refuses(row))).toEqual([]);
    expect(asked.length).toBeLessThan(3 * 2 * 20);
    expect(second.writer.stats.oldestPendingMs).toBeGreaterThan(60 * MINUTE_MS);
    rig.store.refuses = () => false;
    await pass(20 * MINUTE_MS);
    expect(rig.store.totalMs()).toBe(300 * counted);
    expect(rig.folder.files.size).toBe(0);
    expect(second.writer.stats.oldestPendingMs).toBe(0);
  });
});
