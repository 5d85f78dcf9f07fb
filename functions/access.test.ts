import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { UserId } from '../shared/ids.ts';
import { streamToken, TOKEN_SECRET } from '../shared/testing/jwt.ts';
import { MemoryStore } from '../shared/testing/memory-store.ts';
import { accessBy } from './access.ts';
import { buildApp } from './app.ts';

const API_KEY = 'an-api-key-of-at-least-thirty-two-bytes';
const OTHER_KEY = 'another-api-key-as-long-as-the-first-one';

function appWith(settings: Partial<Parameters<typeof accessBy>[0]>) {
  const store = new MemoryStore();
  const lines: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });
  const authorize = accessBy({
    API_KEYS: [],
    STREAM_TOKEN_SECRETS: [],
    STREAM_TOKEN_JWKS_FILE: '',
    ...settings,
  });
  const app = buildApp({ store, logger, authorize });
  const as = (bearer?: string) =>
    bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  return {
    store,
    lines,
    register: async (bearer?: string) =>
      (await app.inject({ method: 'POST', url: '/register', body: 'user-1', headers: as(bearer) }))
        .statusCode,
    unregister: async (bearer?: string, query = '') =>
      (
        await app.inject({
          method: 'DELETE',
          url: `/register/user-1${query}`,
          headers: as(bearer),
        })
      ).statusCode,
    usage: async (bearer?: string, query = '') =>
      (await app.inject({ url: `/usage/user-1${query}`, headers: as(bearer) })).statusCode,
  };
}

const token = streamToken({ sub: 'user-1' });

describe('who may ask', () => {
  it('is everyone where nothing is set', async () => {
    const { register, usage } = appWith({});
    expect([await register(), await usage()]).toEqual([200, 200]);
  });

  it('is who has a key, where there are keys', async () => {
    const { register, usage, store } = appWith({ API_KEYS: [API_KEY, OTHER_KEY] });
    for (const wrong of [undefined, API_KEY.slice(1), `${API_KEY}x`, token]) {
      expect([await register(wrong), await usage(wrong)]).toEqual([401, 401]);
    }
    expect(store.registered.has('user-1' as UserId)).toBe(false);
    for (const key of [API_KEY, OTHER_KEY]) {
      expect([await register(key), await usage(key)]).toEqual([200, 200]);
    }
    expect(store.registered.has('user-1' as UserId)).toBe(true);
  });

  it('is a user for their own usage, where there are stream tokens; registering stays open', async () => {
    const { register, usage } = appWith({ STREAM_TOKEN_SECRETS: [TOKEN_SECRET] });
    expect(await usage(token)).toBe(200);
    expect(await usage()).toBe(401);
    expect(await usage(streamToken({ sub: 'user-2' }))).toBe(401);
    expect(await register()).toBe(200);
  });

  it('is the operator alone for taking users away: no token of a user, and nobody without keys', async () => {
    const closed = appWith({ STREAM_TOKEN_SECRETS: [TOKEN_SECRET] });
    expect([await closed.unregister(), await closed.unregister(token)]).toEqual([403, 403]);
    const { unregister, register, store } = appWith({
      API_KEYS: [API_KEY, OTHER_KEY],
      STREAM_TOKEN_SECRETS: [TOKEN_SECRET],
    });
    await register(API_KEY);
    for (const wrong of [undefined, `${API_KEY}x`, token]) {
      expect([await unregister(wrong), await unregister(wrong, `?token=${API_KEY}`)]).toEqual([
        401, 401,
      ]);
    }
    expect(store.registered.has('user-1')).toBe(true);
    for (const key of [API_KEY, OTHER_KEY]) expect(await unregister(key)).toBe(200);
    expect(store.registered.has('user-1')).toBe(false);
  });

  it('is never who puts a token into a query, and no query stands in the log', async () => {
    const { usage, lines } = appWith({ STREAM_TOKEN_SECRETS: [TOKEN_SECRET] });
    expect(await usage(undefined, `?token=${token}`)).toBe(401);
    expect(lines.join('')).toContain('/usage/user-1');
    expect(lines.join('')).not.toContain(token);
  });
});
