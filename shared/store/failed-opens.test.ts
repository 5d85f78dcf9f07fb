import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { IS_LONG } from '../../infra/e2e/testing/long.ts';
import { cleanEnvironment } from '../../infra/local/environment.ts';
import { freePorts } from '../../infra/local/free-ports.ts';
import { loadConfig } from '../config.ts';
import { loadEngine, type StoreName } from './engines.ts';

/** While a store is away it is tried twice a second, for as long as that takes. */
const FAILURES = IS_LONG ? 1_000 : 20;
/** Until what is loaded once is loaded. */
const WARM_UP = 10;
const AT_ONCE = 10;
/** What a thousand failures may leave in all: of a client or a connection that stayed each, it would be many times that. */
const HEAP_MAX_BYTES = 4 * 1024 ** 2;
/** The driver of Cassandra is looked after for 10 s when it has been shut down. */
const SETTLE_MS = 60_000;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Memory in use and open files, once what can go has gone. */
function kept() {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return { bytes: heapUsed + external, files: readdirSync('/dev/fd').length };
}

describe('a store that cannot be opened leaves neither memory nor files, however often it is tried', () => {
  let folder: string;
  let cutting: Server;
  let nowhere: string;
  const environment = { ...process.env };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'failed-opens-'));
    await writeFile(join(folder, 'no-database.db'), 'no database '.repeat(1_000));
    cutting = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.destroy());
    });
    await new Promise<void>((resolve) => cutting.listen(0, '127.0.0.1', resolve));
    nowhere = `127.0.0.1:${(await freePorts(1))[0]}`;
    Object.assign(process.env, cleanEnvironment({}), {
      AWS_REGION: 'local',
      AWS_ACCESS_KEY_ID: 'any',
      AWS_SECRET_ACCESS_KEY: 'any',
    });
  });
  afterAll(async () => {
    process.env = environment;
    cutting.close();
    await rm(folder, { recursive: true });
  });

  const cut = () => `127.0.0.1:${(cutting.address() as AddressInfo).port}`;
  const aws = (at: string) => {
    process.env.AWS_ENDPOINT_URL = `http://${at}`;
    return {};
  };
  const cases: readonly (readonly [StoreName, string, () => Record<string, string>])[] = [
    ['cassandra', 'nobody listens', () => ({ DB_NODES: nowhere })],
    ['cassandra', 'connections are cut', () => ({ DB_NODES: cut() })],
    ['dynamodb', 'nobody listens', () => aws(nowhere)],
    ['dynamodb', 'connections are cut', () => aws(cut())],
    ['sqlite', 'no database', () => ({ SQLITE_PATH: join(folder, 'no-database.db') })],
  ];
  test.each(cases)(
    '%s: %s',
    async (name, _, settings) => {
      const config = loadConfig({ STORE: name, ...settings() });
      const engine = await loadEngine(name);
      const fail = async (times: number) => {
        for (let n = 0; n < times; n += AT_ONCE) {
          const opened = await Promise.allSettled(
            Array.from({ length: AT_ONCE }, () => engine.open(config)),
          );
          expect(opened.map(({ status }) => status)).toEqual(Array(AT_ONCE).fill('rejected'));
        }
      };
      await fail(WARM_UP);
      const before = kept();
      await fail(FAILURES);
      await vi.waitFor(
        () => {
          const after = kept();
          expect(after.files).toBeLessThanOrEqual(before.files);
          expect(after.bytes - before.bytes).toBeLessThan(HEAP_MAX_BYTES);
        },
        { timeout: SETTLE_MS, interval: 500 },
      );
    },
    900_000,
  );
});
