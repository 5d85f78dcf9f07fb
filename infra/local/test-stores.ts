import { randomBytes } from 'node:crypto';
import { type Config, loadConfig } from '../../shared/config.ts';
import { connectCassandra } from '../../shared/store/cassandra/client.ts';
import { createDynamoDbTables } from '../../shared/store/dynamodb/tables.ts';
import { applyCassandraSchema } from '../cassandra/apply-schema.ts';
import { assertLoopback, cleanEnvironment } from './environment.ts';

/**
 * The real engines that tests run on. `npm test` starts them and says here where they are:
 *   TEST_CASSANDRA_NODE     host:port; user and password are cassandra, cassandra
 *   TEST_DYNAMODB_ENDPOINT  URL of DynamoDB Local
 * Where one is not set, its tests are skipped, and `npm test` says so at its end.
 */
export const TEST_ENGINES = {
  cassandra: 'TEST_CASSANDRA_NODE',
  dynamodb: 'TEST_DYNAMODB_ENDPOINT',
} as const;
export type TestEngine = keyof typeof TEST_ENGINES;

/** @throws RangeError when the endpoint that is set is not on this machine */
export function testEndpoint(engine: TestEngine): string | undefined {
  const endpoint = process.env[TEST_ENGINES[engine]];
  return endpoint && assertLoopback(endpoint);
}

/** Settings of an engine's own keyspace or tables, so that test files can run at the same time. */
interface TestStore {
  readonly config: Config;
  remove(): Promise<void>;
}

const DROP_TIMEOUT_MS = 30_000;

function uniqueName(): string {
  return `test_${randomBytes(6).toString('hex')}`;
}

/** A keyspace with the schema applied; `settings` replace what would be set. */
export async function makeTestKeyspace(
  settings: Readonly<Record<string, string>> = {},
): Promise<TestStore> {
  const node = testEndpoint('cassandra') ?? 'nowhere';
  const config = loadConfig({
    STORE: 'cassandra',
    DB_NODES: node,
    DB_NAME: uniqueName(),
    ...settings,
  });
  await applyCassandraSchema(config, () => {});
  return {
    config,
    async remove() {
      const client = await connectCassandra(config);
      const drop = `DROP KEYSPACE ${config.DB_NAME}`;
      await client.execute(drop, [], { prepare: false, readTimeout: DROP_TIMEOUT_MS });
      await client.close();
    },
  };
}

/** Tables of their own; from now on this process's AWS_* variables lead to DynamoDB Local alone. */
export async function makeTestTables(): Promise<TestStore> {
  const endpoint = testEndpoint('dynamodb') ?? 'nowhere';
  Object.assign(process.env, cleanEnvironment({}), { AWS_ENDPOINT_URL: endpoint });
  const config = loadConfig({ STORE: 'dynamodb', DYNAMODB_TABLE_PREFIX: uniqueName() });
  await createDynamoDbTables(config.DYNAMODB_TABLE_PREFIX, () => {});
  // DynamoDB Local keeps its tables in memory: they go when it goes.
  return { config, remove: async () => {} };
}
