import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import {
  DescribeTimeToLiveCommand,
  GetItemCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { pino } from 'pino';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startEngine } from '../../../infra/local/engines/engines.ts';
import { cleanEnvironment } from '../../../infra/local/environment.ts';
import { freePorts } from '../../../infra/local/free-ports.ts';
import { makeTestStore, testEndpoint } from '../../../infra/local/test-stores.ts';
import { loadConfig } from '../../config.ts';
import { StoreSetupError } from '../../errors.ts';
import { minuteOf, type UserId, type WriterId } from '../../ids.ts';
import { openStore } from '../open-store.ts';
import { expiryMs } from '../row-life.ts';
import { usageRow as row } from '../testing/usage-row.ts';
import { createDynamoDbClient, createDynamoDbStore } from './dynamodb-store.ts';
import { createDynamoDbTables, openDynamoDb } from './tables.ts';

const USER = 'user' as UserId;
const MINUTE = minuteOf(Date.now());

let environment: NodeJS.ProcessEnv;
beforeEach(() => {
  environment = { ...process.env };
  Object.assign(process.env, cleanEnvironment({}));
});
afterEach(() => {
  process.env = environment;
});

/** Answers as DynamoDB does where it takes but one item of each batch, as on a table at its limit. */
async function startThrottled(): Promise<{ server: Server; batches: WriteRequest[][] }> {
  const batches: WriteRequest[][] = [];
  const server = createServer(async (request, response) => {
    const { RequestItems } = (await json(request)) as {
      RequestItems: Record<string, WriteRequest[]>;
    };
    const [[table, items] = ['', []]] = Object.entries(RequestItems);
    batches.push(items);
    const left = items.slice(1);
    response.setHeader('content-type', 'application/x-amz-json-1.0');
    response.end(JSON.stringify({ UnprocessedItems: left.length > 0 ? { [table]: left } : {} }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { server, batches };
}

describe('a table at its limit', () => {
  test('gets the unprocessed items again until it has taken them all', async () => {
    const { server, batches } = await startThrottled();
    const store = createDynamoDbStore({ tablePrefix: 'throttled' });
    const writers = ['a', 'b', 'c'] as WriterId[];
    await store.saveUsage(writers.map((writerId) => row({ writerId, final: true })));
    expect(batches.map((items) => items.length)).toEqual([3, 2, 1]);
    await store.close();
    server.close();
  });

  test('that takes too little fails the save, and no row is said to be stored', async () => {
    const { server, batches } = await startThrottled();
    const store = createDynamoDbStore({ tablePrefix: 'throttled' });
    const writers = Array.from({ length: 25 }, (_, i) => `${i}` as WriterId);
    const saving = store.saveUsage(writers.map((writerId) => row({ writerId, final: true })));
    await expect(saving).rejects.toThrow('throttled-usage left 19 rows unprocessed 6 times');
    expect(batches).toHaveLength(6);
    await store.close();
    server.close();
  });
});

describe('an opening that cannot succeed is one clear line', () => {
  const cases: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    ['no region', { AWS_REGION: '' }, /^DynamoDB: set AWS_REGION/],
    ['no credentials', { AWS_ACCESS_KEY_ID: '' }, /^DynamoDB: set AWS_ACCESS_KEY_ID/],
    ['an endpoint that is no URL', { AWS_ENDPOINT_URL: 'here' }, /^DynamoDB: AWS_ENDPOINT_URL is/],
    [
      'a host that no name leads to',
      { AWS_ENDPOINT_URL: 'http://nowhere.invalid' },
      /^DynamoDB: the host of AWS_ENDPOINT_URL.*cannot be resolved/,
    ],
  ];
  test.each(cases)('%s', async (_, settings, line) => {
    Object.assign(process.env, {
      AWS_CONFIG_FILE: '/absent',
      AWS_SHARED_CREDENTIALS_FILE: '/absent',
    });
    Object.assign(process.env, settings);
    const opening = openDynamoDb({ tablePrefix: 'any' });
    await expect(opening).rejects.toBeInstanceOf(StoreSetupError);
    await expect(opening).rejects.toThrow(line);
  });

  test('an endpoint that merely does not answer is no mistake in the settings', async () => {
    const [port] = await freePorts(1);
    process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${port}`;
    const opening = openDynamoDb({ tablePrefix: 'any' });
    await expect(opening).rejects.toThrow('ECONNREFUSED');
    await expect(opening).rejects.not.toBeInstanceOf(StoreSetupError);
  });
});

describe.skipIf(!testEndpoint('dynamodb'))('on DynamoDB', () => {
  let tablePrefix: string;
  beforeAll(async () => {
    const { config } = await makeTestStore('dynamodb');
    tablePrefix = config.DYNAMODB_TABLE_PREFIX;
  });

  test('tables that are not there are an error that says what to run', async () => {
    const opening = openDynamoDb({ tablePrefix: 'absent' });
    await expect(opening).rejects.toBeInstanceOf(StoreSetupError);
    await expect(opening).rejects.toThrow(/^DynamoDB: run "npm run schema"/);
  });

  test('tables made again, and from several places at once, keep their rows', async () => {
    const store = await openDynamoDb({ tablePrefix });
    await store.register('before' as UserId);
    const make = () => createDynamoDbTables(tablePrefix, () => {});
    await Promise.all([make(), make(), make()]);
    expect(await store.isRegistered('before' as UserId)).toBe(true);
    await store.close();
  });

  test.each([
    ['growing', false],
    ['final', true],
  ])('a %s row carries its parts, and the second of its expiry', async (name, final) => {
    const userId = name as UserId;
    const store = await openDynamoDb({ tablePrefix });
    await store.saveUsage([row({ userId, final })]);
    await store.close();
    const client = createDynamoDbClient();
    const rowKey = `${String(MINUTE).padStart(10, '0')}#zato01#writer`;
    const { Item } = await client.send(
      new GetItemCommand({
        TableName: `${tablePrefix}-usage`,
        Key: { user_id: { S: userId }, row_key: { S: rowKey } },
      }),
    );
    expect(Item).toEqual({
      user_id: { S: userId },
      row_key: { S: rowKey },
      minute: { N: String(MINUTE) },
      channel_id: { S: 'zato01' },
      writer_id: { S: 'writer' },
      delivered_ms: { N: '20' },
      expires_at: { N: String(expiryMs(MINUTE) / 1000) },
    });
    const described = await client.send(
      new DescribeTimeToLiveCommand({ TableName: `${tablePrefix}-usage` }),
    );
    expect(described.TimeToLiveDescription?.AttributeName).toBe('expires_at');
    client.destroy();
  });

  test('paused and killed, it fails calls in time, delays no start, and serves again', async () => {
    const engine = await startEngine('dynamodb');
    process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${engine.port}`;
    await createDynamoDbTables('outage', () => {});
    const store = await openDynamoDb({ tablePrefix: 'outage' });
    await store.register(USER);
    await engine.pause();
    await expect(store.isRegistered(USER)).rejects.toThrow();
    await engine.resume();
    expect(await vi.waitFor(() => store.isRegistered(USER), { timeout: 20_000 })).toBe(true);
    await store.close();
    await engine.kill();
    const lines: string[] = [];
    const logger = pino({}, { write: (line: string) => lines.push(line) });
    const config = loadConfig({ STORE: 'dynamodb', DYNAMODB_TABLE_PREFIX: 'outage' });
    const early = await openStore(config, logger);
    expect(lines.join()).toContain('waiting for the store: STORE=dynamodb');
    await expect(early.ping()).rejects.toThrow('the store is away');
    await engine.restart();
    expect(await vi.waitFor(() => early.isRegistered(USER), { timeout: 20_000 })).toBe(true);
    await early.close();
    await engine.stop();
  }, 240_000);
});
