import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeTestStore, type TestStore, testEndpoint } from '../../../infra/local/test-stores.ts';
import type { Config } from '../../config.ts';
import { StoreSetupError } from '../../errors.ts';
import { openStore } from '../open-store.ts';
import { cassandra } from './engine.ts';
import { Detour } from './testing/detour.ts';

const TEST_TIMEOUT_MS = 600_000;
const FAILURES = 30;

describe.skipIf(!testEndpoint('cassandra'))('connections to Cassandra', () => {
  let detour: Detour;
  let keyspace: TestStore;
  let config: Config;
  beforeAll(async () => {
    keyspace = await makeTestStore('cassandra');
    detour = new Detour(testEndpoint('cassandra') ?? '');
    config = { ...keyspace.config, DB_NODES: [await detour.open()] };
  });
  afterAll(async () => {
    detour.close();
    await keyspace.remove();
  });

  async function expectNoneLeft(): Promise<void> {
    await vi.waitFor(() => expect(detour.sockets.size).toBe(0), { timeout: 30_000 });
  }

  test.each([
    ['a data centre that is misnamed', { DB_DATACENTER: 'moon' }],
    ['a password that is wrong', { DB_PASS: 'guess' }],
    ['a keyspace that is not there', { DB_NAME: 'absent' }],
  ])(
    `%s leaves no connection, however often it is tried`,
    async (_, wrong) => {
      for (let failure = 0; failure < FAILURES; failure++) {
        // A busy machine may take longer than a request has: that is no mistake in the settings, and tried again.
        const opening = () =>
          expect(cassandra.open({ ...config, ...wrong })).rejects.toBeInstanceOf(StoreSetupError);
        await vi.waitFor(opening, { timeout: 60_000 });
      }
      await expectNoneLeft();
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'a node that answers too slowly leaves none, either',
    async () => {
      detour.delayMs = 1_200;
      await Promise.all(
        Array.from({ length: FAILURES }, () => expect(cassandra.open(config)).rejects.toThrow()),
      );
      await expectNoneLeft();
      detour.delayMs = 0;
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'npm run schema says its error and ends',
    async () => {
      const env = { ...process.env, ...keyspace.environment, DB_DATACENTER: 'moon' };
      const running = promisify(execFile)(process.execPath, ['infra/schema.ts'], { env });
      await expect(running).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^.+\n$/),
      });
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'outages one after another leave one connection, and none after closing',
    async () => {
      const store = await openStore(config, pino({ level: 'silent' }));
      for (let outage = 0; outage < 6; outage++) {
        detour.cut();
        await vi.waitFor(() => expect(store.ping()).rejects.toThrow(), { timeout: 20_000 });
        await vi.waitFor(() => store.ping(), { timeout: 20_000 });
      }
      await vi.waitFor(() => expect(detour.sockets.size).toBe(1), { timeout: 30_000 });
      await store.close();
      await vi.waitFor(() => expect(detour.sockets.size).toBe(0), { timeout: 20_000 });
    },
    TEST_TIMEOUT_MS,
  );
});
