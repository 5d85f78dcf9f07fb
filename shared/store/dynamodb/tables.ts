import {
  type AttributeDefinition,
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  type KeySchemaElement,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { StoreSetupError } from '../../errors.ts';
import type { Store } from '../store.ts';
import { createDynamoDbClient, within } from './client.ts';
import { createDynamoDbStore, type DynamoDbOptions } from './dynamodb-store.ts';
import { tableNames } from './items.ts';

interface Table {
  readonly name: string;
  /** Partition key first, then the sort key where there is one. All are texts. */
  readonly keys: readonly string[];
  readonly ttlAttribute?: string;
  /** Whether AWS is to refuse its deletion until somebody has taken that back by hand. */
  readonly isProtected: boolean;
}

function tables(prefix: string): readonly Table[] {
  const { registrations, usage } = tableNames(prefix);
  return [
    { name: registrations, keys: ['user_id'], isProtected: true },
    {
      name: usage,
      keys: ['user_id', 'row_key'],
      ttlAttribute: 'expires_at',
      isProtected: false,
    },
  ];
}

const CREATION_MAX_SECONDS = 60;
const ATTEMPT_MS = 3_000;
/** All that an opening asks, credentials included: a start that cannot succeed ends within 15 s. */
const OPEN_TIMEOUT_MS = 10_000;

function tableClient(): DynamoDBClient {
  return createDynamoDbClient({ sockets: 1, attemptMs: ATTEMPT_MS });
}

function attributeDefinition(name: string): AttributeDefinition {
  return { AttributeName: name, AttributeType: 'S' };
}

function keyElement(name: string, position: number): KeySchemaElement {
  return { AttributeName: name, KeyType: position === 0 ? 'HASH' : 'RANGE' };
}

/** DynamoDB says no other way that the attribute is the TTL attribute already, or is just becoming it. */
function isTtlSet(error: unknown): boolean {
  return error instanceof Error && /TimeToLive is (already enabled|being)/i.test(error.message);
}

async function createTable(client: DynamoDBClient, table: Table) {
  const { name, keys, ttlAttribute, isProtected } = table;
  const command = new CreateTableCommand({
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    DeletionProtectionEnabled: isProtected,
    AttributeDefinitions: keys.map(attributeDefinition),
    KeySchema: keys.map(keyElement),
  });
  await client.send(command).catch((error: unknown) => {
    if (!(error instanceof ResourceInUseException)) throw error;
  });
  const wait = { client, minDelay: 1, maxDelay: 2, maxWaitTime: CREATION_MAX_SECONDS };
  await waitUntilTableExists(wait, { TableName: name });
  if (ttlAttribute === undefined) return;
  const ttl = new UpdateTimeToLiveCommand({
    TableName: name,
    TimeToLiveSpecification: { AttributeName: ttlAttribute, Enabled: true },
  });
  await client.send(ttl).catch((error: unknown) => {
    if (!isTtlSet(error)) throw error;
  });
}

/** Makes the tables that lack, on demand and with their TTL. May be repeated, and run at once from several places. */
export async function createDynamoDbTables(
  prefix: string,
  say: (line: string) => void,
): Promise<void> {
  const client = tableClient();
  try {
    for (const table of tables(prefix)) {
      await createTable(client, table);
      say(`table ${table.name} is there`);
    }
  } finally {
    client.destroy();
  }
}

async function checkTable(
  client: DynamoDBClient,
  { name, keys }: Table,
  limit: { readonly abortSignal: AbortSignal },
): Promise<void> {
  const described = await client.send(new DescribeTableCommand({ TableName: name }), limit);
  const found = described.Table?.KeySchema?.map(({ AttributeName }) => AttributeName);
  if (String(found) === String(keys)) return;
  throw new StoreSetupError(`table ${name} has the keys ${found}, not ${keys}`);
}

/** The store, once its tables have been seen. */
export async function openDynamoDb(options: DynamoDbOptions): Promise<Store> {
  const client = tableClient();
  try {
    await within(OPEN_TIMEOUT_MS, async (limit) => {
      for (const table of tables(options.tablePrefix)) await checkTable(client, table, limit);
    });
  } finally {
    client.destroy();
  }
  return createDynamoDbStore(options);
}
