import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, loadConfig } from '../../shared/config.ts';
import { loadEngine, type StoreName } from '../../shared/store/engines.ts';
import { LOCAL_ENGINES, serverEngine } from './engines/engines.ts';
import { assertLoopback, cleanEnvironment } from './environment.ts';

/**
 * The stores that tests run on. `npm test` starts the engines that are servers, and says where they are by the variable
 * that stands in the engine's row: TEST_CASSANDRA_NODE=host:port, TEST_DYNAMODB_ENDPOINT=URL. Where one is not set, its
 * tests are skipped, and `npm test` says so at its end.
 */

/**
 * Where the server of that name runs for the tests.
 * @throws RangeError when that is not on this machine
 */
export function testEndpoint(name: string): string | undefined {
  const endpoint = process.env[serverEngine(name).testVariable];
  return endpoint && assertLoopback(endpoint);
}

/** Whether tests can have a store of that engine. */
export function isTestable(name: StoreName): boolean {
  return LOCAL_ENGINES[name].kind === 'embedded' || testEndpoint(name) !== undefined;
}

/** Settings of a keyspace, tables or file of one's own, so that test files can run at the same time. */
export interface TestStore {
  readonly config: Config;
  /** By which another process finds it, too. */
  readonly environment: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/**
 * A store of its own with its schema made; `settings` replace what would be set. What an engine's client reads from the
 * environment alone leads this process to the tests' engine from now on.
 */
export async function makeTestStore(
  name: StoreName,
  settings: Readonly<Record<string, string>> = {},
): Promise<TestStore> {
  const local = LOCAL_ENGINES[name];
  if (local.kind === 'embedded') {
    const folder = await mkdtemp(join(tmpdir(), 'store-'));
    const environment = { STORE: name, ...local.environment(folder), ...settings };
    const config = loadConfig(environment);
    return { config, environment, remove: () => rm(folder, { recursive: true }) };
  }
  const environment = {
    STORE: name,
    ...local.environment(testEndpoint(name) ?? 'nowhere'),
    ...local.ownPart(`test_${randomBytes(6).toString('hex')}`),
    ...settings,
  };
  const config = loadConfig(environment);
  const foreign = Object.entries(environment).filter(([variable]) => !(variable in config));
  if (foreign.length > 0) {
    Object.assign(process.env, cleanEnvironment({}), Object.fromEntries(foreign));
  }
  await (await loadEngine(name)).createSchema(config, () => {});
  return { config, environment, remove: () => local.removePart(config) };
}
