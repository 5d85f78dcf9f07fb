import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startEngine } from '../../../infra/local/engines/engines.ts';
import type { LocalEngine } from '../../../infra/local/engines/local-engine.ts';
import { makeTestStore, testEndpoint } from '../../../infra/local/test-stores.ts';
import type { Config } from '../../config.ts';
import type { UserId, WriterId } from '../../ids.ts';
import { minuteOf } from '../../ids.ts';
import { STORE_TIMEOUT_MS } from '../../limits.ts';
import { openStore } from '../open-store.ts';
import type { Store, UsageRow } from '../store.ts';
import { usageRow } from '../testing/usage-row.ts';

const ENGINE_TIMEOUT_MS = 240_000;
const USER = 'user' as UserId;
/** The minute of all rows: a test may last longer than one. */
const MINUTE = minuteOf(Date.now());

function rows(count: number, deliveredMs: number): UsageRow[] {
  return Array.from({ length: count }, (_, i) =>
    usageRow({ minute: MINUTE, writerId: `writer-${i}` as WriterId, deliveredMs }),
  );
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
    await store.register(USER);
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
    // Twice the limit: the machine may be busy, and the driver would wait for 12 s by itself.
    expect(waitedMs).toBeLessThan(2 * STORE_TIMEOUT_MS);
  }

  test('that is paused fails calls in time, and serves again when it goes on', async () => {
    await engine.pause();
    await expectAway();
    await expectAway();
    await engine.resume();
    await vi.waitFor(() => store.saveUsage(rows(100, 20)), { timeout: 20_000 });
    expect(await store.readUsage(USER, minuteOf(0))).toHaveLength(100);
  });

  test(
    'that is killed under load keeps every row it confirmed',
    async () => {
      let confirmed = 0;
      let isDown = false;
      const writing = (async () => {
        for (let deliveredMs = 100; !isDown; deliveredMs += 20) {
          await store.saveUsage(rows(100, deliveredMs));
          confirmed = deliveredMs;
        }
      })().catch(() => {});
      await vi.waitFor(() => expect(confirmed).toBeGreaterThan(500), 20_000);
      await engine.kill();
      isDown = true;
      await writing;
      await expectAway();
      await engine.restart();
      const read = () => store.readUsage(USER, minuteOf(0));
      const found = await vi.waitFor(read, { timeout: 20_000 });
      expect(Math.min(...found.map((entry) => entry.deliveredMs))).toBeGreaterThanOrEqual(
        confirmed,
      );
      expect(await store.isRegistered(USER)).toBe(true);
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
      await vi.waitFor(() => early.ping(), { timeout: 20_000 });
      expect(await early.isRegistered(USER)).toBe(true);
      await early.close();
    },
    ENGINE_TIMEOUT_MS,
  );
});

/** A way to the node of all tests that can be cut, and that counts who goes it. */
class Detour {
  readonly sockets = new Set<Socket>();
  readonly #server = createServer((near) => {
    const [, port] = /:(\d+)$/.exec(testEndpoint('cassandra') ?? '') ?? [];
    const far = connect(Number(port), '127.0.0.1');
    this.sockets.add(near);
    near.on('close', () => this.sockets.delete(near) && far.destroy());
    far.on('close', () => near.destroy());
    for (const socket of [near, far]) socket.on('error', () => {});
    near.pipe(far).pipe(near);
  });

  async open(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
  }
}

test.skipIf(!testEndpoint('cassandra'))(
  'outages one after another leave one connection, and none after closing',
  async () => {
    const detour = new Detour();
    const keyspace = await makeTestStore('cassandra');
    const nodes = { DB_NODES: [`127.0.0.1:${await detour.open()}`] };
    const store = await openStore({ ...keyspace.config, ...nodes }, pino({ level: 'silent' }));
    for (let outage = 0; outage < 6; outage++) {
      detour.cut();
      await vi.waitFor(() => expect(store.ping()).rejects.toThrow(), { timeout: 20_000 });
      await vi.waitFor(() => store.ping(), { timeout: 20_000 });
    }
    await vi.waitFor(() => expect(detour.sockets.size).toBe(1), { timeout: 30_000 });
    await store.close();
    await vi.waitFor(() => expect(detour.sockets.size).toBe(0), { timeout: 20_000 });
    detour.close();
    await keyspace.remove();
  },
  ENGINE_TIMEOUT_MS,
);
