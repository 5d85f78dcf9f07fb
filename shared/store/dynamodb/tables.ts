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
import { STORE_SAVE_TIMEOUT_MS } from '../../limits.ts';
import type { Store } from '../store.ts';
import {
  createDynamoDbClient,
  createDynamoDbStore,
  type DynamoDbOptions,
  tableNames,
} from './dynamodb-store.ts';

interface Table {
  readonly name: string;
  /** Partition key first, then the sort key where there is one. All are texts. */
  readonly keys: readonly string[];
  readonly ttlAttribute?: string;
}

function tables(prefix: string): readonly Table[] {
  const { registrations, usage } = tableNames(prefix);
  return [
    { name: registrations, keys: ['user_id'] },
    { name: usage, keys: ['user_id', 'row_key'], ttlAttribute: 'expires_at' },
  ];
}

const CREATION_MAX_SECONDS = 60;

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

async function createTable(client: DynamoDBClient, { name, keys, ttlAttribute }: Table) {
  const command = new CreateTableCommand({
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
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

/**
 * Makes the tables that lack, on demand and with their TTL. May be repeated, and run at once from several places.
 * @throws StoreSetupError when region, credentials or rights are wrong
 */
export async function createDynamoDbTables(
  prefix: string,
  say: (line: string) => void,
): Promise<void> {
  const client = createDynamoDbClient();
  try {
    for (const table of tables(prefix)) {
      await createTable(client, table);
      say(`table ${table.name} is there`);
    }
  } catch (error) {
    throw explain(error);
  } finally {
    client.destroy();
  }
}

async function checkTable(client: DynamoDBClient, { name, keys }: Table): Promise<void> {
  const abortSignal = AbortSignal.timeout(STORE_SAVE_TIMEOUT_MS);
  const described = await client.send(new DescribeTableCommand({ TableName: name }), {
    abortSignal,
  });
  const found = described.Table?.KeySchema?.map(({ AttributeName }) => AttributeName);
  if (String(found) === String(keys)) return;
  throw new StoreSetupError(`table ${name} has the keys ${found}, not ${keys}`);
}

/** By the error's name: what no waiting mends, and what to do about it. */
const SETUP_ERRORS: Readonly<Record<string, string>> = {
  AccessDeniedException: 'the credentials have not the rights',
  CredentialsProviderError: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give a role',
  ExpiredTokenException: 'the credentials have expired',
  IncompleteSignatureException: 'the credentials are wrong',
  InvalidSignatureException: 'the credentials are wrong',
  MissingAuthenticationTokenException: 'the credentials are wrong',
  ResourceNotFoundException: 'run "npm run schema"',
  TypeError: 'AWS_ENDPOINT_URL is no URL',
  UnrecognizedClientException: 'the credentials are wrong',
};

function explain(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message } = error;
  const setupError = (advice: string) =>
    new StoreSetupError(`DynamoDB: ${advice} (${message})`, { cause: error });
  const advice = SETUP_ERRORS[name];
  if (advice !== undefined) return setupError(advice);
  if (message.startsWith('Region ')) return setupError('set AWS_REGION');
  if ('code' in error && error.code === 'ENOTFOUND') {
    return setupError('the host of AWS_ENDPOINT_URL, or of AWS_REGION, cannot be resolved');
  }
  return error;
}

/**
 * The store, once its tables have been seen.
 * @throws StoreSetupError with the one line to print when tables, region, credentials or rights are wrong; any other
 *   error when DynamoDB is away
 */
export async function openDynamoDb(options: DynamoDbOptions): Promise<Store> {
  const client = createDynamoDbClient();
  try {
    for (const table of tables(options.tablePrefix)) await checkTable(client, table);
  } catch (error) {
    throw explain(error);
  } finally {
    client.destroy();
  }
  return createDynamoDbStore(options);
}
