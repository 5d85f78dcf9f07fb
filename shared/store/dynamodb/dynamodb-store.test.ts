import {
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  GetItemCommand,
} from '@aws-sdk/client-dynamodb';
import { pino } from 'pino';
import {
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import { startEngine } from '../../../infra/local/engines/engines.ts';
import { cleanEnvironment } from '../../../infra/local/environment.ts';
import { makeTestStore, testEndpoint } from '../../../infra/local/test-stores.ts';
import { loadConfig } from '../../config.ts';
import { StoreSetupError } from '../../errors.ts';
import { minuteOf, type UserId } from '../../ids.ts';
import { openStore } from '../open-store.ts';
import { expiryMs } from '../row-life.ts';
import { usageRow as row } from '../testing/usage-row.ts';
import { createDynamoDbClient } from './client.ts';
import { dynamoDb } from './engine.ts';
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

describe.skipIf(!testEndpoint('dynamodb'))('on DynamoDB', () => {
  let tablePrefix: string;
  beforeAll(async () => {
    const { config } = await makeTestStore('dynamodb');
    tablePrefix = config.DYNAMODB_TABLE_PREFIX;
  });

  test('tables that are not there are an error that says what to run', async () => {
    const opening = dynamoDb.open({ DYNAMODB_TABLE_PREFIX: 'absent' });
    await expect(opening).rejects.toBeInstanceOf(StoreSetupError);
    await expect(opening).rejects.toThrow(
      /^DynamoDB: .*=absent has no tables, run "npm run schema"/,
    );
  });

  test('tables made again, and from several places at once, keep their rows', async () => {
    const store = await openDynamoDb({ tablePrefix });
    await store.register('before' as UserId);
    const make = () => createDynamoDbTables(tablePrefix, () => {});
    await Promise.all([make(), make(), make()]);
    expect(await store.isRegistered('before' as UserId)).toBe(true);
    await store.close();
  });

  test('registrations cannot be deleted by one wrong command; usage, which is worth a day, can', async () => {
    const client = createDynamoDbClient({ sockets: 1, attemptMs: 10_000 });
    const isProtected = async (table: string) => {
      const TableName = `${tablePrefix}-${table}`;
      const { Table } = await client.send(new DescribeTableCommand({ TableName }));
      return Table?.DeletionProtectionEnabled ?? false;
    };
    expect(await isProtected('registrations')).toBe(true);
    expect(await isProtected('usage')).toBe(false);
    client.destroy();
  });

  test.each([
    ['growing', false],
    ['final', true],
  ])('a %s row carries its parts, and the second of its expiry', async (name, final) => {
    const userId = name as UserId;
    const store = await openDynamoDb({ tablePrefix });
    await store.saveUsage([row({ userId, final })]);
    await store.close();
    const client = createDynamoDbClient({ sockets: 1, attemptMs: 10_000 });
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
    onTestFinished(() => engine.stop());
    process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${engine.port}`;
    await createDynamoDbTables('outage', () => {});
    const store = await openDynamoDb({ tablePrefix: 'outage' });
    await vi.waitFor(() => store.register(USER), { timeout: 20_000 });
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
  }, 600_000);
});
