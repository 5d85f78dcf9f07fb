import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { makeTestStore, type TestStore, testEndpoint } from '../../../infra/local/test-stores.ts';
import { type Minute, minuteOf, type UserId } from '../../ids.ts';
import type { Store } from '../store.ts';
import { usageRow } from '../testing/usage-row.ts';
import { cassandra } from './engine.ts';
import { CqlProxy } from './testing/cql-proxy.ts';

const MINUTE = minuteOf(Date.now());

/** A real node behind a coordinator that says of some users that their replicas are away. */
describe.skipIf(!testEndpoint('cassandra'))('where the replicas of some rows are away', () => {
  let keyspace: TestStore;
  let proxy: CqlProxy;
  let store: Store;
  const lost = vi.fn();

  beforeAll(async () => {
    keyspace = await makeTestStore('cassandra');
    proxy = new CqlProxy(testEndpoint('cassandra') ?? '');
    const config = { ...keyspace.config, DB_NODES: [await proxy.open()] };
    // The schema's version is among the rows that are away.
    proxy.fate = (body) => (body.includes('schema_version') ? 'unavailable' : 'served');
    store = await cassandra.open(config, { lost });
  });
  beforeEach(() => {
    proxy.fate = (body) => (body.includes('dead-') ? 'unavailable' : 'served');
  });
  afterAll(async () => {
    await store.close();
    proxy.close();
    await keyspace.remove();
  });

  function rowsOf(count: number, prefix: string) {
    return Array.from({ length: count }, (_, i) =>
      usageRow({ userId: `${prefix}${i}` as UserId, minute: MINUTE, deliveredMs: 20 }),
    );
  }
  const read = (userId: string) => store.readUsage(userId as UserId, 0 as Minute);

  test('a save refuses these, keeps the others, and the store goes on', async () => {
    const [dead, living] = [rowsOf(4, 'dead-'), rowsOf(996, 'live-')];
    const rows = [...living.slice(0, 300), ...dead, ...living.slice(300)];
    const { connections } = proxy;
    await vi.waitFor(
      async () => {
        const refused = await store.saveUsage(rows);
        expect(refused.map(({ row }) => row)).toEqual(dead);
        expect(String(refused[0]?.error)).toContain('LOCAL_QUORUM');
      },
      { timeout: 20_000 },
    );
    for (const user of ['live-0', 'live-500', 'live-995']) {
      expect(await read(user)).toMatchObject([{ channelId: 'zato01', firstMs: 0, laterMs: 20 }]);
    }
    await expect(read('dead-0')).rejects.toThrow('LOCAL_QUORUM');
    expect(lost).not.toHaveBeenCalled();
    expect(proxy.connections).toBe(connections);
  });

  test('a save of such rows alone refuses each, and fails for none of them', async () => {
    const dead = rowsOf(128, 'dead-');
    const refused = await store.saveUsage(dead);
    expect(new Set(refused.map(({ row }) => row))).toEqual(new Set(dead));
  });

  test('a coordinator that waits for them keeps its connection, and answers for the others', async () => {
    const { connections } = proxy;
    proxy.fate = (body) => (body.includes('slow-') ? 'unanswered' : 'served');
    const [slow, living] = [rowsOf(32, 'slow-'), rowsOf(96, 'live-')];
    await vi.waitFor(
      async () => {
        const refused = await store.saveUsage([...slow, ...living]);
        const stored = living.filter((row) => !refused.some((outcome) => outcome.row === row));
        expect(refused.map(({ row }) => row)).toEqual(expect.arrayContaining(slow));
        expect(stored.length).toBeGreaterThan(0);
      },
      { timeout: 60_000 },
    );
    expect(lost).not.toHaveBeenCalled();
    expect(proxy.connections).toBe(connections);
  });

  test('a node that answers no row fails the call as a whole', async () => {
    proxy.fate = () => 'unanswered';
    await expect(store.saveUsage(rowsOf(128, 'slow-'))).rejects.toThrow();
  });
});
