import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WriteRequest } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cleanEnvironment } from '../../../infra/local/environment.ts';
import { freePorts } from '../../../infra/local/free-ports.ts';
import { StoreAwayError, StoreSetupError } from '../../errors.ts';
import type { Minute, UserId, WriterId } from '../../ids.ts';
import { usageRow as row } from '../testing/usage-row.ts';
import { createDynamoDbStore } from './dynamodb-store.ts';
import { dynamoDb } from './engine.ts';
import { type Asked, FakeDynamoDb } from './testing/fake-dynamodb.ts';

const USER = 'user' as UserId;
const CONFIG = { DYNAMODB_TABLE_PREFIX: 'any' };
const THROTTLED = { error: 'ProvisionedThroughputExceededException' };

let environment: NodeJS.ProcessEnv;
const started: { stop(): void }[] = [];
beforeEach(() => {
  environment = { ...process.env };
  Object.assign(process.env, cleanEnvironment({}), {
    AWS_CONFIG_FILE: '/absent',
    AWS_SHARED_CREDENTIALS_FILE: '/absent',
  });
});
afterEach(() => {
  for (const server of started.splice(0)) server.stop();
  process.env = environment;
});

async function startFake(answer: ConstructorParameters<typeof FakeDynamoDb>[0]) {
  const fake = await new FakeDynamoDb(answer).start();
  started.push(fake);
  return fake;
}

function rowsOf(count: number, final: boolean) {
  return Array.from({ length: count }, (_, i) => row({ writerId: `w${i}` as WriterId, final }));
}

/** Takes the first item of each batch, as a table at its limit. */
function takeOne({ body }: Asked) {
  const [[table, items] = ['', []]] = Object.entries(
    body.RequestItems as Record<string, WriteRequest[]>,
  );
  const left = items.slice(1);
  return { UnprocessedItems: left.length > 0 ? { [table]: left } : {} };
}

describe('a table at its limit', () => {
  test('gets the unprocessed items again until it has taken them all', async () => {
    const fake = await startFake(takeOne);
    const store = createDynamoDbStore({ tablePrefix: 'throttled' });
    expect(await store.saveUsage(rowsOf(3, true))).toEqual([]);
    expect(fake.count('BatchWriteItem')).toBe(3);
    await store.close();
  });

  test('that takes too little of a batch refuses the rest, row by row', async () => {
    const fake = await startFake((asked) =>
      asked.operation === 'BatchWriteItem' ? takeOne(asked) : THROTTLED,
    );
    const store = createDynamoDbStore({ tablePrefix: 'throttled' });
    const rows = rowsOf(25, true);
    const refused = await store.saveUsage(rows);
    expect(fake.count('BatchWriteItem')).toBe(6);
    expect(new Set(refused.map((outcome) => outcome.row))).toEqual(new Set(rows.slice(6)));
    expect(refused[0]?.error.name).toBe(THROTTLED.error);
    await store.close();
  });

  test('refuses the rows that it throttles, and no other', async () => {
    await startFake(({ body }) => (JSON.stringify(body).includes('#w7"') ? THROTTLED : {}));
    const store = createDynamoDbStore({ tablePrefix: 'throttled' });
    const rows = rowsOf(100, false);
    const refused = await store.saveUsage(rows);
    expect(refused.map((outcome) => outcome.row)).toEqual([rows[7]]);
    await store.close();
  });

  test('that refuses a row has not taken a lesser one of its key, either', async () => {
    await startFake(() => THROTTLED);
    const store = createDynamoDbStore({ tablePrefix: 'throttled' });
    const rows = [row({ deliveredMs: 20 }), row({ deliveredMs: 40 })];
    expect(new Set((await store.saveUsage(rows)).map((outcome) => outcome.row))).toEqual(
      new Set(rows),
    );
    await store.close();
  });
});

describe('the usage of a user who is unregistered', () => {
  const Items = Array.from({ length: 30 }, (_, i) => ({
    user_id: { S: USER },
    row_key: { S: `row ${i}` },
  }));

  test('is deleted in batches, and what a table at its limit leaves is sent again', async () => {
    const sizes: number[] = [];
    await startFake((asked) => {
      if (asked.operation === 'Query') return { Items };
      if (asked.operation !== 'BatchWriteItem') return {};
      const tables = asked.body.RequestItems as Record<string, WriteRequest[]>;
      sizes.push(...Object.values(tables).map((requests) => requests.length));
      return sizes.length < 3 ? takeOne(asked) : {};
    });
    const store = createDynamoDbStore({ tablePrefix: 'throttled' });
    await store.unregister(USER, 1 as Minute);
    expect(sizes).toEqual([25, 24, 23, 5]);
    await store.close();
  });

  test('is left to who asks again where the table takes nothing, and not sent without end', async () => {
    const fake = await startFake(({ operation, body }) => {
      if (operation === 'Query') return { Items };
      return operation === 'BatchWriteItem' ? { UnprocessedItems: body.RequestItems } : {};
    });
    const store = createDynamoDbStore({ tablePrefix: 'throttled' });
    await expect(store.unregister(USER, 1 as Minute)).rejects.toBeInstanceOf(StoreAwayError);
    expect(fake.count('BatchWriteItem')).toBe(6);
    await store.close();
  });
});

describe('a connection that answers nothing any more', () => {
  test('fails no look-up: another is tried before the user has waited too long', async () => {
    await startFake(({ connection }) => (connection === 1 ? 'nothing' : { Item: {} }));
    const store = createDynamoDbStore({ tablePrefix: 'any' });
    expect(await store.isRegistered(USER)).toBe(true);
    await store.close();
  });

  test('fails no row', { timeout: 60_000 }, async () => {
    await startFake(({ connection }) => (connection === 1 ? 'nothing' : {}));
    const store = createDynamoDbStore({ tablePrefix: 'any' });
    expect(await store.saveUsage(rowsOf(3, false))).toEqual([]);
    await store.close();
  });

  test('of all saves leaves look-ups as they are', async () => {
    const fake = await startFake(({ operation }) =>
      operation === 'UpdateItem' ? 'nothing' : { Item: {} },
    );
    const store = createDynamoDbStore({ tablePrefix: 'any' });
    const saving = Promise.allSettled(
      Array.from({ length: 4 }, () => store.saveUsage(rowsOf(128, false))),
    );
    await vi.waitFor(() => expect(fake.count('UpdateItem')).toBeGreaterThan(50), 10_000);
    expect(await store.isRegistered(USER)).toBe(true);
    fake.stop();
    await saving;
    await store.close();
  });
});

test('a reading of many pages ends when nobody waits for it any more', async () => {
  const page = {
    Items: [{ minute: { N: '1' }, channel_id: { S: 'zato01' }, delivered_ms: { N: '20' } }],
    LastEvaluatedKey: { user_id: { S: USER }, row_key: { S: 'more' } },
  };
  const abandoned = new AbortController();
  const fake = await startFake(() => {
    if (fake.count('Query') === 5) abandoned.abort();
    return page;
  });
  const store = createDynamoDbStore({ tablePrefix: 'any' });
  await expect(store.readUsage(USER, 0 as Minute, abandoned.signal)).rejects.toThrow('abort');
  await store.close();
  expect(fake.count('Query')).toBe(5);
});

describe('an opening that cannot succeed is one clear line', () => {
  test.each([
    ['no region', { AWS_REGION: '' }, /^DynamoDB: set AWS_REGION/],
    ['no credentials', { AWS_ACCESS_KEY_ID: '' }, /^DynamoDB: set AWS_ACCESS_KEY_ID/],
    ['an endpoint without a scheme', { AWS_ENDPOINT_URL: 'db:8000' }, /^AWS_ENDPOINT_URL=db:8000 /],
    [
      'an endpoint of DynamoDB alone without a scheme',
      { AWS_ENDPOINT_URL_DYNAMODB: '127.0.0.1:8000' },
      /^AWS_ENDPOINT_URL_DYNAMODB=127.0.0.1:8000 must begin with http/,
    ],
  ])('%s', async (_, settings, line) => {
    Object.assign(process.env, settings);
    const opening = dynamoDb.open(CONFIG);
    await expect(opening).rejects.toBeInstanceOf(StoreSetupError);
    await expect(opening).rejects.toThrow(line);
  });
});

describe('what may mend by itself is no mistake in the settings', () => {
  async function expectAway(message: string): Promise<void> {
    const opening = dynamoDb.open(CONFIG);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.not.toBeInstanceOf(StoreSetupError);
  }

  test('an endpoint that does not answer', async () => {
    const [port] = await freePorts(1);
    process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${port}`;
    await expectAway('ECONNREFUSED');
  });

  test('a name that cannot be resolved just now', async () => {
    process.env.AWS_ENDPOINT_URL = 'http://nowhere.invalid';
    await expectAway('nowhere.invalid');
  });

  /** What gives a container its credentials. */
  async function startIdentity(status: number | undefined): Promise<void> {
    const server = createServer((_request, response) => {
      if (status !== undefined) response.writeHead(status).end('{"message":"not yet"}');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    started.push({
      stop: () => {
        server.closeAllConnections();
        server.close();
      },
    });
    const { port } = server.address() as AddressInfo;
    delete process.env.AWS_ACCESS_KEY_ID;
    delete process.env.AWS_SECRET_ACCESS_KEY;
    process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = `http://127.0.0.1:${port}/`;
  }

  test('an identity that fails', async () => {
    await startFake(() => ({}));
    await startIdentity(500);
    const opening = dynamoDb.open(CONFIG);
    await expect(opening).rejects.toThrow();
    await expect(opening).rejects.not.toBeInstanceOf(StoreSetupError);
  });

  test('an identity that never answers, within the time that a start has', async () => {
    await startFake(() => ({}));
    await startIdentity(undefined);
    const opening = dynamoDb.open(CONFIG);
    await expect(opening).rejects.toBeInstanceOf(StoreAwayError);
    // By a limit of ours, which ends it while the SDK still waits.
    await expect(opening).rejects.toThrow(/^DynamoDB did not answer within \d+ ms$/);
    const store = createDynamoDbStore({ tablePrefix: 'any' });
    await expect(store.isRegistered(USER)).rejects.toThrow(/^DynamoDB did not answer within/);
    await store.close();
  });
});
