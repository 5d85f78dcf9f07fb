import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { announcementText } from '../shared/edges/announcement.ts';
import type { ChannelId, EdgeAddress } from '../shared/ids.ts';
import { usageRow } from '../shared/store/testing/usage-row.ts';
import { MemoryStore } from '../shared/testing/memory-store.ts';
import { accessBy } from './access.ts';
import { type AppParts, buildApp } from './app.ts';
import { type Answer, httpContract, injecting } from './testing/http-contract.ts';

const EDGE = {
  address: 'edge:9111' as EdgeAddress,
  watchUrl: 'http://edge:9113',
  load: 0.5,
  users: 2,
  channels: ['zato01' as ChannelId],
};

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: { 'application/json': { schema: object } } }>
  >;
}

const { paths } = JSON.parse(
  readFileSync(new URL('../docs/openapi.json', import.meta.url), 'utf8'),
) as { paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };
const ajv = new Ajv2020({ validateFormats: false });
const silent = pino({ level: 'silent' });

/** The operation's statuses that some answer below had. */
const seen = new Set<string>();

/** Holds an answer against what docs/openapi.json says of such a request. */
function check(method: string, url: string, { status, body }: Answer): void {
  const path = (url.split('?', 1)[0] ?? '').replace(/^(\/(usage|register)\/)[^/]*$/, '$1{userId}');
  const operation = paths[path]?.[method.toLowerCase()];
  if (operation === undefined) {
    if (method !== 'HEAD') expect([404, 405]).toContain(status);
    return;
  }
  const told = operation.responses[status];
  expect(told, `${method} ${path} is not said to answer ${status}`).toBeDefined();
  seen.add(`${path} ${status}`);
  if (told?.content === undefined) {
    expect(body).toBe('');
    return;
  }
  const isAsTold = ajv.compile(told.content['application/json'].schema);
  expect(isAsTold(JSON.parse(body)), `${body}\n${ajv.errorsText(isAsTold.errors)}`).toBe(true);
}

function open(parts: Partial<AppParts>) {
  const app = buildApp({ store: new MemoryStore(), logger: silent, ...parts });
  afterAll(() => app.close());
  const request = injecting(app);
  const checked: typeof request = async (method, url, headers, body) => {
    const answer = await request(method, url, headers, body);
    check(method, url, answer);
    return answer;
  };
  return checked;
}

describe('docs/openapi.json', () => {
  it.each(httpContract(open({})))('is true of what is asked where $name', ({ run }) => run());

  const KEY = 'k'.repeat(32);
  const operator = { authorization: `Bearer ${KEY}` };
  const failing = new MemoryStore();
  failing.mode = 'failing';
  const watched = new MemoryStore();
  watched.saveUsage([usageRow({ deliveredMs: 31_000 })]);
  watched.announce(EDGE.address, announcementText(EDGE), 30);
  const authorize = accessBy({
    API_KEYS: [KEY],
    STREAM_TOKEN_SECRETS: [],
    STREAM_TOKEN_JWKS_FILE: '',
  });
  it.each([
    ['hours', 200, open({ store: watched })],
    ['a store that fails', 500, open({ store: failing })],
    ['a missing token', 401, open({ authorize })],
  ])('is true of %s', async (_, status, request) => {
    expect((await request('GET', '/usage/user?by=hour')).status).toBe(status);
    expect((await request('POST', '/register', {}, 'user')).status).toBe(status);
    expect((await request('GET', '/edges')).status).toBe(status);
  });

  it.each([
    ['done', 200, new MemoryStore(), operator],
    ['failed', 500, failing, operator],
    ['refused', 401, new MemoryStore(), {}],
  ])('is true of a deletion that is %s', async (_, status, store, headers) => {
    const request = open({ authorize, store });
    expect((await request('DELETE', '/register/user', headers)).status).toBe(status);
    await request('DELETE', '/register/user', headers, 'x'.repeat(5_000));
  });

  it('is true of a server that drains', async () => {
    const request = open({ isDraining: () => true });
    expect((await request('GET', '/readyz')).status).toBe(503);
  });

  it('was held against answers of every kind that one process gives', () => {
    // 403 is Lambda's, and 503 of other paths is the listener's.
    const told = Object.entries(paths).flatMap(([path, operations]) =>
      Object.values(operations).flatMap(({ responses }) =>
        Object.keys(responses).map((status) => `${path} ${status}`),
      ),
    );
    const elsewhere = [
      '/edges 400',
      '/edges 503',
      '/register 403',
      '/register 503',
      '/register/{userId} 503',
      '/usage/{userId} 403',
      '/usage/{userId} 503',
    ];
    expect([...seen, ...elsewhere].sort()).toEqual(told.sort());
  });
});
