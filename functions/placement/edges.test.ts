import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Announcement, announcementText } from '../../shared/edges/announcement.ts';
import type { ChannelId, EdgeAddress } from '../../shared/ids.ts';
import { streamToken, TOKEN_SECRET } from '../../shared/testing/jwt.ts';
import { MemoryStore } from '../../shared/testing/memory-store.ts';
import { accessBy } from '../access.ts';
import { type AppParts, buildApp } from '../app.ts';

const LIFE_SECONDS = 30;
const API_KEY = 'an-api-key-of-at-least-thirty-two-bytes';

function edge(name: string, load: number): Announcement {
  return {
    address: `${name}:9111` as EdgeAddress,
    watchUrl: `http://${name}:9113`,
    load,
    users: Math.round(load * 100),
    channels: ['zato01', 'zato02'] as ChannelId[],
  };
}

async function storeWith(...edges: readonly Announcement[]) {
  const store = new MemoryStore();
  for (const each of edges) {
    await store.announce(each.address, announcementText(each), LIFE_SECONDS);
  }
  return store;
}

function asking(parts: Partial<AppParts> & Pick<AppParts, 'store'>) {
  const app = buildApp({ logger: pino({ level: 'silent' }), ...parts });
  onTestFinished(() => app.close());
  return async (bearer?: string) => {
    const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    const answer = await app.inject({ url: '/edges', headers });
    return { status: answer.statusCode, body: answer.json() };
  };
}

describe('GET /edges', () => {
  it('lists the edge nodes that take users, the least loaded first', async () => {
    const [idle, half, other, full] = [
      edge('idle', 0),
      edge('b-half', 0.5),
      edge('a-half', 0.5),
      edge('full', 1),
    ];
    const ask = asking({ store: await storeWith(full, half, idle, other) });
    expect(await ask()).toEqual({ status: 200, body: { edges: [idle, other, half] } });
  });

  it('takes no other method', async () => {
    const app = buildApp({ store: await storeWith(), logger: pino({ level: 'silent' }) });
    onTestFinished(() => app.close());
    const answer = await app.inject({ method: 'POST', url: '/edges' });
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  it('is empty where there is none', async () => {
    expect(await asking({ store: await storeWith() })()).toEqual({
      status: 200,
      body: { edges: [] },
    });
  });

  it('leaves out what is no announcement', async () => {
    const store = await storeWith(edge('well', 0.1));
    await store.announce('odd:9111' as EdgeAddress, '{"address":7}', LIFE_SECONDS);
    expect((await asking({ store })()).body.edges).toHaveLength(1);
  });

  it('is an error where the store fails, as everything else is', async () => {
    const store = await storeWith();
    store.mode = 'failing';
    expect(await asking({ store })()).toMatchObject({
      status: 500,
      body: { code: 'store_unavailable' },
    });
  });

  it('takes an API key, or the stream token of any user, where such are asked for', async () => {
    const store = await storeWith();
    const tokens = { STREAM_TOKEN_SECRETS: [TOKEN_SECRET], STREAM_TOKEN_JWKS_FILE: '' };
    const none = { STREAM_TOKEN_SECRETS: [], STREAM_TOKEN_JWKS_FILE: '' };
    const token = streamToken({ sub: 'user-1' });
    const statuses = async (settings: Parameters<typeof accessBy>[0]) => {
      const ask = asking({ store, authorize: accessBy(settings) });
      const answers = [await ask(), await ask('x'), await ask(API_KEY), await ask(token)];
      return answers.map(({ status }) => status);
    };
    expect(await statuses({ API_KEYS: [], ...none })).toEqual([200, 200, 200, 200]);
    expect(await statuses({ API_KEYS: [API_KEY], ...none })).toEqual([401, 401, 200, 401]);
    expect(await statuses({ API_KEYS: [], ...tokens })).toEqual([401, 401, 401, 200]);
    expect(await statuses({ API_KEYS: [API_KEY], ...tokens })).toEqual([401, 401, 200, 200]);
  });
});
