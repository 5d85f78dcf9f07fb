import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startEngine } from '../../../infra/local/engines/engines.ts';
import type { LocalEngine } from '../../../infra/local/engines/local-engine.ts';
import { makeTestStore, testEndpoint } from '../../../infra/local/test-stores.ts';
import type { Config } from '../../config.ts';
import type { UserId, WriterId } from '../../ids.ts';
import { minuteOf } from '../../ids.ts';
import { STORE_SAVE_TIMEOUT_MS } from '../../limits.ts';
import { openStore } from '../open-store.ts';
import type { Store, UsageRow } from '../store.ts';
import { usageRow } from '../testing/usage-row.ts';

const ENGINE_TIMEOUT_MS = 600_000;
const USER = 'user' as UserId;
/** The minute of all rows: a test may last longer than one. */
const MINUTE = minuteOf(Date.now());

function rows(count: number, deliveredMs: number): UsageRow[] {
  return Array.from({ length: count }, (_, i) =>
    usageRow({ minute: MINUTE, writerId: `writer-${i}` as WriterId, deliveredMs }),
  );
}

async function totalMs(store: Store): Promise<number> {
  const channels = await store.readUsage(USER, minuteOf(0));
  return channels.reduce((sum, { firstMs, laterMs }) => sum + firstMs + laterMs, 0);
}

/** A node of its own, that confirms nothing before it is on disk: it is to be paused and killed. */
describe.skipIf(!testEndpoint('cassandra'))('a Cassandra node', () => {
  let engine: LocalEngine;
  let config: Config;
  let store: Store;
  const lines: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => lines.push(line) });

  beforeAll(async () => {
    engine = await startEngine('cassandra', { durable: true });
    const nodes = { DB_NODES: `127.0.0.1:${engine.port}` };
    config = (await makeTestStore('cassandra', nodes)).config;
    store = await openStore(config, logger);
    await vi.waitFor(() => store.register(USER), { timeout: 20_000 });
  }, ENGINE_TIMEOUT_MS);
  afterAll(async () => {
    await store.close();
    await engine.stop();
  });

  /** Every call must reject, and while a user still waits. */
  async function expectAway(): Promise<void> {
    const begun = performance.now();
    const calls = await Promise.allSettled([
      store.register(USER),
      store.isRegistered(USER),
      store.readUsage(USER, minuteOf(0)),
      store.saveUsage(rows(1_000, 1)),
      store.ping(),
    ]);
    const waitedMs = performance.now() - begun;
    expect(calls.map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
    // Far above the limits of 1.5 and 3 s: the machine may be busy, and the driver would wait for 12 s by itself.
    expect(waitedMs).toBeLessThan(STORE_SAVE_TIMEOUT_MS);
  }

  test(
    'that is paused fails calls in time, and serves again when it goes on',
    async () => {
      await engine.pause();
      await expectAway();
      await expectAway();
      await engine.resume();
      const save = async () => expect(await store.saveUsage(rows(100, 20))).toEqual([]);
      await vi.waitFor(save, { timeout: 20_000 });
      expect(await vi.waitFor(() => totalMs(store), { timeout: 20_000 })).toBe(100 * 20);
    },
    ENGINE_TIMEOUT_MS,
  );

  test(
    'that is killed under load keeps every row it confirmed',
    async () => {
      let confirmed = 0;
      let isDown = false;
      const writing = (async () => {
        for (let deliveredMs = 100; !isDown; deliveredMs += 20) {
          const refused = await store.saveUsage(rows(100, deliveredMs)).catch(() => undefined);
          if (refused?.length === 0) confirmed = deliveredMs;
          await turn();
        }
      })();
      await vi.waitFor(() => expect(confirmed).toBeGreaterThan(500), 60_000);
      await engine.kill();
      isDown = true;
      await writing;
      await expectAway();
      await engine.restart();
      const found = await vi.waitFor(() => totalMs(store), { timeout: 20_000 });
      expect(found).toBeGreaterThanOrEqual(100 * confirmed);
      const isRegistered = () => store.isRegistered(USER);
      expect(await vi.waitFor(isRegistered, { timeout: 20_000 })).toBe(true);
    },
    ENGINE_TIMEOUT_MS,
  );

  test(
    'that is away delays no start, is named, and serves once it is there',
    async () => {
      await engine.kill();
      lines.length = 0;
      const early = await openStore(config, logger);
      expect(lines.join()).toContain(`waiting for the store: STORE=cassandra DB_NODES=127.0.0.1:`);
      await expect(early.isRegistered(USER)).rejects.toThrow('the store is away');
      await engine.restart();
      const isRegistered = () => early.isRegistered(USER);
      expect(await vi.waitFor(isRegistered, { timeout: 20_000 })).toBe(true);
      await early.close();
    },
    ENGINE_TIMEOUT_MS,
  );
});
