import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { type ChannelId, minuteOf, type UserId, type WriterId } from '../../shared/ids.ts';
import { createDynamoDbStore } from '../../shared/store/dynamodb/dynamodb-store.ts';
import { FakeDynamoDb } from '../../shared/store/dynamodb/testing/fake-dynamodb.ts';
import type { Store } from '../../shared/store/store.ts';
import { read } from './tree.ts';

const USER = 'user' as UserId;
const NOW = minuteOf(Date.now());
const ROW = {
  userId: USER,
  minute: NOW,
  channelId: 'zato01' as ChannelId,
  writerId: 'writer' as WriterId,
  deliveredMs: 20,
};

type Use = (store: Store) => Promise<unknown>;
const ping: Use = (store) => store.ping();

/** What each program asks of its store, where nothing more is switched on (WATCH_REGISTER registers, too). */
const FUNCTIONS: readonly Use[] = [
  ping,
  (store) => store.register(USER),
  (store) => store.unregister(USER, NOW),
  (store) => store.readUsage(USER, NOW),
  (store) => store.readAnnouncements(),
];
const EDGE_NODE: readonly Use[] = [
  ping,
  (store) => store.isRegistered(USER),
  (store) => store.saveUsage([{ ...ROW, final: true }]),
  (store) => store.saveUsage([{ ...ROW, final: false }]),
  (store) => store.forgetUsage(USER, NOW, NOW),
  (store) => store.readUsage(USER, NOW),
  (store) => store.announce('edge:9111' as Parameters<Store['announce']>[0], '{}', 30),
  (store) => store.withdraw('edge:9111' as Parameters<Store['withdraw']>[0]),
];

let fake: FakeDynamoDb;
beforeEach(async () => {
  const Items = [{ user_id: { S: USER }, row_key: { S: 'row' }, minute: { N: String(NOW) } }];
  fake = await new FakeDynamoDb(({ operation }) =>
    operation === 'Query' ? { Items } : {},
  ).start();
  vi.stubEnv('AWS_ENDPOINT_URL', process.env.AWS_ENDPOINT_URL);
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});
afterEach(() => {
  vi.unstubAllEnvs();
  fake.stop();
});

/** Operations with the tables that they are of, as these uses send them, and those of a start. */
async function askedBy(uses: readonly Use[]): Promise<string[]> {
  const store = createDynamoDbStore({ tablePrefix: 'p' });
  for (const use of uses) await use(store);
  await store.close();
  const asked = fake.asked.flatMap(({ operation, body }) => {
    const tables = body.TableName ? [body.TableName] : Object.keys(body.RequestItems ?? { '*': 0 });
    return tables.map((table) => `${operation} ${String(table).replace('p-', '')}`);
  });
  const start = ['DescribeTable registrations', 'DescribeTable usage'];
  return [...new Set([...asked, ...start])].sort();
}

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

/** What a role may do: of all its statements that name DynamoDB. */
function granted(file: string, role: string): string[] {
  const { Resources } = parse(read(file), { logLevel: 'silent' });
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('Action' in node && 'Resource' in node) {
      const { Action, Resource } = node as Statement;
      const table = /-(registrations|usage)$/.exec(String(Resource))?.[1] ?? '*';
      for (const action of [Action].flat()) {
        if (action.startsWith('dynamodb:')) found.push(`${action.slice(9)} ${table}`);
      }
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(Resources[role]);
  return [...new Set(found)].sort();
}

describe('a role may do in DynamoDB what its program asks, and nothing else', () => {
  test.each([
    ['functions on EKS', FUNCTIONS, 'infra/kubernetes/eks/pod-identity.yaml', 'FunctionsRole'],
    ['edge nodes on EKS', EDGE_NODE, 'infra/kubernetes/eks/pod-identity.yaml', 'EdgeNodeRole'],
    ['edge nodes on ECS', EDGE_NODE, 'infra/ecs/roles.yaml', 'TaskRole'],
  ] as const)('%s', async (_who, uses, file, role) => {
    expect(granted(file, role)).toEqual(await askedBy(uses));
  });
});
