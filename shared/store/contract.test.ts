import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { makeTestKeyspace, makeTestTables, testEndpoint } from '../../infra/local/test-stores.ts';
import { openCassandra } from './cassandra/cassandra-store.ts';
import { openDynamoDb } from './dynamodb/tables.ts';
import { openSqlite } from './sqlite/sqlite-store.ts';
import { describeStore } from './testing/contract.ts';

describe('SQLite', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'store-contract-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  describeStore((options) => openSqlite({ path: join(folder, 'new', 'store.db'), ...options }));
});

describe.skipIf(!testEndpoint('cassandra'))('Cassandra', () => {
  let keyspace: Awaited<ReturnType<typeof makeTestKeyspace>>;
  beforeAll(async () => {
    keyspace = await makeTestKeyspace();
  });
  afterAll(() => keyspace.remove());
  describeStore((options) => openCassandra(keyspace.config, options));
});

describe.skipIf(!testEndpoint('dynamodb'))('DynamoDB', () => {
  let tables: Awaited<ReturnType<typeof makeTestTables>>;
  beforeAll(async () => {
    tables = await makeTestTables();
  });
  describeStore((options) =>
    openDynamoDb({ tablePrefix: tables.config.DYNAMODB_TABLE_PREFIX, ...options }),
  );
});
