import { afterEach, beforeEach, expect, test } from 'vitest';
import { cleanEnvironment } from '../../../infra/local/environment.ts';
import type { EdgeAddress } from '../../ids.ts';
import { createDynamoDbStore } from './dynamodb-store.ts';
import { type Asked, FakeDynamoDb } from './testing/fake-dynamodb.ts';

const ADDRESS = 'edge.example:9111' as EdgeAddress;
const HOUR_MS = 3_600_000;
/** An answer's Date has whole seconds. */
const TOLERANCE_MS = 1_000;

let environment: NodeJS.ProcessEnv;
let table: Map<string, Record<string, unknown>>;
let fake: FakeDynamoDb;
beforeEach(async () => {
  environment = { ...process.env };
  Object.assign(process.env, cleanEnvironment({}), {
    AWS_REGION: 'local',
    AWS_ACCESS_KEY_ID: 'any',
    AWS_SECRET_ACCESS_KEY: 'any',
  });
  table = new Map();
  fake = await new FakeDynamoDb(answer).start();
});
afterEach(() => {
  fake.stop();
  process.env = environment;
});

/** Keeps what is announced under its address, and finds all of it. */
function answer({ operation, body }: Asked) {
  if (operation === 'UpdateItem') {
    const { Key, ExpressionAttributeValues: values } = body as {
      Key: { row_key: { S: string } };
      ExpressionAttributeValues: Record<string, unknown>;
    };
    table.set(Key.row_key.S, {
      announcement: values[':text'],
      announced_ms: values[':now'],
      life_seconds: values[':life'],
    });
  }
  return operation === 'Query' ? { Items: [...table.values()] } : {};
}

function announcedMs(): number {
  return Number((table.get(ADDRESS)?.announced_ms as { N: string } | undefined)?.N);
}

test.each([-30, 30])(
  'an edge node and its reader go by the time of DynamoDB, %i h from theirs',
  async (hours) => {
    const begunMs = performance.now();
    const serverMs = Date.now() + hours * HOUR_MS;
    fake.epochMs = serverMs;
    const store = createDynamoDbStore({ tablePrefix: 'any' });
    await store.ping();
    await store.announce(ADDRESS, 'here', 30);
    const tookMs = performance.now() - begunMs;
    expect(Math.abs(announcedMs() - serverMs)).toBeLessThanOrEqual(TOLERANCE_MS + tookMs);
    expect(await store.readAnnouncements()).toEqual(['here']);
    fake.epochMs = serverMs + 31_000;
    expect(await store.readAnnouncements()).toEqual([]);
    await store.close();
  },
);

test('what was announced by a clock far ahead is not alive for hours', async () => {
  const store = createDynamoDbStore({ tablePrefix: 'any' });
  fake.epochMs = Date.now() + HOUR_MS;
  await store.ping();
  await store.announce(ADDRESS, 'here', 30);
  fake.epochMs = Date.now();
  expect(await store.readAnnouncements()).toEqual([]);
  await store.close();
});
