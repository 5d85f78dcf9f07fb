import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { ChannelId, UserId, WriterId } from '../../shared/ids.ts';
import { minuteOf } from '../../shared/ids.ts';
import { MemoryStore } from '../../shared/testing/memory-store.ts';
import { buildApp } from '../app.ts';
import { registerRoute } from '../register.ts';
import { event, REGISTER_EVENT } from '../testing/http-api-event.ts';
import { httpContract, type Request } from '../testing/http-contract.ts';
import { usageRoute } from '../usage.ts';
import { httpApiHandler } from './http-api.ts';

function build() {
  const store = new MemoryStore();
  const logger = pino({ level: 'silent' });
  const parts = { store, logger };
  return {
    store,
    register: httpApiHandler(buildApp(parts, [registerRoute]), logger),
    usage: httpApiHandler(buildApp(parts, [usageRoute]), logger),
  };
}

describe('the register function', () => {
  it('takes the form body that curl -d sends, in base64', async () => {
    const { store, register } = build();
    expect(await register(REGISTER_EVENT, {})).toMatchObject({ statusCode: 200, body: '' });
    expect([...store.registered]).toEqual(['user-1']);
  });

  it('takes a plain body without a Content-Type', async () => {
    const { store, register } = build();
    const answer = await register(event('POST', '/register', { body: 'üser-👩‍🚀\n' }), {});
    expect(answer).toMatchObject({ statusCode: 200, body: '' });
    expect([...store.registered]).toEqual(['üser-👩‍🚀']);
  });

  it('refuses a request without a body, and one too large', async () => {
    const { register } = build();
    expect((await register(event('POST', '/register'), {})).statusCode).toBe(400);
    const large = event('POST', '/register', { body: 'a'.repeat(4097) });
    expect((await register(large, {})).statusCode).toBe(413);
  });

  it('answers 405 itself, and 404 for what is another function’s', async () => {
    const { register } = build();
    const answer = await register(event('GET', '/register'), {});
    expect(answer).toMatchObject({ statusCode: 405, headers: { allow: 'POST' } });
    expect((await register(event('GET', '/usage/user-1'), {})).statusCode).toBe(404);
  });

  it('takes the gateway’s request id for its own where it fails', async () => {
    const { store, register } = build();
    store.gate = () => Promise.reject(new Error('throttled'));
    const answer = await register(REGISTER_EVENT, {});
    expect(answer).toMatchObject({
      statusCode: 500,
      headers: { 'x-request-id': 'XHdX5gPXliAEPxQ=' },
      body: expect.stringContaining('"store_unavailable"'),
    });
  });
});

describe('the usage function', () => {
  it.each(['user-1', 'üser', '👩‍🚀', 'a+b&c=d', "o'hara;--", '"{}"'])(
    'finds the user whose id the gateway has decoded to %s',
    async (id) => {
      const { store, usage } = build();
      const row = {
        userId: id as UserId,
        minute: minuteOf(Date.now()),
        channelId: 'zato01' as ChannelId,
        writerId: 'writer' as WriterId,
        deliveredMs: 31_000,
        final: false,
      };
      await store.saveUsage([row]);
      const answer = await usage(event('GET', `/usage/${id}`), {});
      expect(answer).toMatchObject({ statusCode: 200, body: '{"sessions":{"zato01":31}}' });
    },
  );

  it.each(['a?b', 'a#b', 'a%b', 'a%41', 'two words', '\ud800 '])(
    'does not take the decoded id %j for another one',
    async (id) => {
      const { usage } = build();
      expect((await usage(event('GET', `/usage/${id}`), {})).statusCode).toBe(400);
    },
  );

  it('answers 405 and 404 itself', async () => {
    const { usage } = build();
    const answer = await usage(event('DELETE', '/usage/user-1'), {});
    expect(answer).toMatchObject({ statusCode: 405, headers: { allow: 'GET, HEAD' } });
    for (const path of ['/', '/usage', '/usage/a/b', '//usage/a', '/nowhere']) {
      const { statusCode, body } = await usage(event('GET', path), {});
      expect([statusCode, JSON.parse(body).code]).toEqual([404, 'not_found']);
    }
  });
});

/** What stands between a client and the functions: it decodes the path, encodes bodies and picks the function. */
function gateway(): Request {
  const { register, usage } = build();
  return async (method, path, headers = {}, body = undefined) => {
    const [encoded = '', rawQueryString = ''] = path.split('?');
    const rest = {
      rawQueryString,
      headers: { ...event(method, path).headers, ...headers },
      ...(body === undefined
        ? {}
        : { body: Buffer.from(body).toString('base64'), isBase64Encoded: true }),
    };
    const target = encoded.startsWith('/register') ? register : usage;
    const answer = await target(event(method, decodeURIComponent(encoded), rest), {});
    return { status: answer.statusCode, headers: answer.headers, body: answer.body };
  };
}

describe('the HTTP contract, behind a gateway', () => {
  const cases = httpContract(gateway()).filter(({ direct }) => !direct);
  it.each(cases)('$name', ({ run }) => run());
});
