import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { ChannelId, UserId, WriterId } from '../../shared/ids.ts';
import { minuteOf } from '../../shared/ids.ts';
import { MemoryStore } from '../../shared/testing/memory-store.ts';
import { buildApp } from '../app.ts';
import { registerRoute, unregisterRoute } from '../register.ts';
import { event, REGISTER_EVENT } from '../testing/http-api-event.ts';
import { OTHER_EVENTS } from '../testing/other-events.ts';
import { usageRoute } from '../usage.ts';
import { accessBySubject, httpApiHandler } from './http-api.ts';

/** Both functions on one store where `watcher` and `ü` have watched, and what they log. */
function functions() {
  const store = new MemoryStore();
  const logged: { level: number; msg: string }[] = [];
  const logger = pino({}, { write: (line) => logged.push(JSON.parse(line)) });
  const handler = (route: typeof usageRoute) =>
    httpApiHandler(buildApp({ store, logger, authorize: accessBySubject }, [route]), logger);
  return {
    store,
    logged,
    register: handler(registerRoute),
    unregister: handler(unregisterRoute),
    usage: handler(usageRoute),
  };
}

async function watched(store: MemoryStore, userId: string): Promise<void> {
  const row = {
    userId: userId as UserId,
    minute: minuteOf(Date.now()),
    channelId: 'zato01' as ChannelId,
    writerId: 'writer' as WriterId,
    deliveredMs: 31_000,
    final: false,
  };
  await store.saveUsage([row]);
}

const GET = (path: string, rest = {}) => event('GET', path, rest);
const context = (fields: object) => ({
  requestContext: { ...REGISTER_EVENT.requestContext, http: { method: 'GET' }, ...fields },
});
const staged = (path: string, stage: string) => GET(path, context({ stage }));
const functionUrl = (path: string) =>
  GET(path, context({ domainName: 'a1b2c3d4e5.lambda-url.eu-central-1.on.aws' }));
const authorized = (event: object, jwt: unknown) => ({
  ...event,
  requestContext: { ...(event as typeof REGISTER_EVENT).requestContext, authorizer: { jwt } },
});
const WATCHED = [200, '{"sessions":{"zato01":31}}'] as const;
const WATCHED_BY_HOUR = [
  200,
  expect.stringMatching(
    /^{"sessions":{"zato01":31},"hours":\[{"from":"[\d-]+T\d\d:00:00\.000Z","sessions":{"zato01":31}}\]}$/,
  ),
] as const;
const UNWATCHED = [200, '{"sessions":{}}'] as const;
const REGISTERED = [200, ''] as const;

/** HTTP requests as HTTP APIs and Function URLs hand them over: what the usage function answers. */
const USAGE_REQUESTS: [name: string, event: unknown, answer: readonly [number, unknown]][] = [
  ['a path', GET('/usage/watcher'), WATCHED],
  ['hours', GET('/usage/watcher', { rawQueryString: 'by=hour' }), WATCHED_BY_HOUR],
  [
    'hours, whatever the parsed query says',
    GET('/usage/watcher', {
      rawQueryString: 'a=1&by=hour',
      queryStringParameters: { a: '1', by: 'day' },
    }),
    WATCHED_BY_HOUR,
  ],
  [
    'hours of a Function URL',
    { ...functionUrl('/usage/watcher'), rawQueryString: 'by=hour' },
    WATCHED_BY_HOUR,
  ],
  [
    'hours at a named stage',
    { ...staged('/prod/usage/watcher', 'prod'), rawQueryString: 'b%79=%68our' },
    WATCHED_BY_HOUR,
  ],
  ['days', GET('/usage/watcher', { rawQueryString: 'by=day' }), [400, 'bad_request']],
  [
    'hours and a number sign',
    GET('/usage/watcher', { rawQueryString: 'by=hour#' }),
    [400, 'bad_request'],
  ],
  [
    'another user’s hours',
    authorized(GET('/usage/watcher', { rawQueryString: 'by=hour' }), { claims: { sub: 'other' } }),
    [403, 'forbidden'],
  ],
  ['a query', GET('/usage/watcher', { rawQueryString: 'a=b%25&c' }), WATCHED],
  [
    'a query key with % and a value with a comma',
    GET('/usage/watcher', {
      rawQueryString: '100%25=a,b',
      queryStringParameters: { '100%': 'a,b' },
    }),
    WATCHED,
  ],
  [
    'a query key % that is repeated',
    GET('/usage/watcher', { rawQueryString: '%25=1&%25=2', queryStringParameters: { '%': '1,2' } }),
    WATCHED,
  ],
  ['a query that is no query', GET('/usage/watcher', { rawQueryString: '%zz&=&&%' }), WATCHED],
  [
    'a query on an unknown path',
    GET('/nowhere', { queryStringParameters: { '%': '1,2' } }),
    [404, 'not_found'],
  ],
  ['a decoded path', GET('/usage/ü'), WATCHED],
  ['a named stage', staged('/prod/usage/watcher', 'prod'), WATCHED],
  ['a stage alone', staged('/prod', 'prod'), [404, 'not_found']],
  ['a domain that maps to a named stage', staged('/usage/watcher', 'prod'), WATCHED],
  ['a path that begins like its stage', staged('/production', 'prod'), [404, 'not_found']],
  ['the default stage', staged('/$default/usage/watcher', '$default'), [404, 'not_found']],
  ['a Function URL', functionUrl('/usage/watcher'), WATCHED],
  ['a Function URL’s encoded path', functionUrl('/usage/%C3%BC'), WATCHED],
  ['a Function URL’s path encoded twice', functionUrl('/usage/%2561'), [400, 'bad_user_id']],
  ['a Function URL’s broken escape', functionUrl('/usage/%zz'), [400, 'bad_user_id']],
  ['a Function URL’s bytes that are no UTF-8', functionUrl('/usage/%ff'), [400, 'bad_user_id']],
  ['a Function URL’s escaped slash', functionUrl('/usage/a%2Fb'), [400, 'bad_user_id']],
  ['an id of dots', GET('/usage/..'), [400, 'bad_user_id']],
  ['an id of one dot', functionUrl('/usage/%2e'), [400, 'bad_user_id']],
  ['a way up', GET('/nowhere/../usage/watcher'), [404, 'not_found']],
  ['two slashes', GET('//usage/watcher'), [404, 'not_found']],
  ['two slashes and a name', GET('//host/usage/watcher'), [404, 'not_found']],
  ['an empty path', GET(''), [404, 'not_found']],
  ['a path without a slash', GET('usage/watcher'), WATCHED],
  ['a lone surrogate', GET('/usage/\ud800'), UNWATCHED],
  ['HEAD', event('HEAD', '/usage/watcher'), [200, '']],
  ['a rare method', event('PROPFIND', '/usage/watcher'), [405, 'method_not_allowed']],
  ['a method that is none', event('FOO', '/usage/watcher'), [400, 'bad_request']],
  ['no headers', GET('/usage/watcher', { headers: undefined }), WATCHED],
  ['a header without a value', GET('/usage/watcher', { headers: { 'x-y': undefined } }), WATCHED],
  [
    'headers about the connection',
    GET('/usage/watcher', {
      headers: {
        connection: 'upgrade',
        upgrade: 'h2c',
        expect: '100-continue',
        'transfer-encoding': 'chunked',
        'content-length': '3',
      },
    }),
    WATCHED,
  ],
  ['the own token', authorized(GET('/usage/watcher'), { claims: { sub: 'watcher' } }), WATCHED],
  [
    'another user’s token',
    authorized(GET('/usage/watcher'), { claims: { sub: 'other', scope: 'watcher' } }),
    [403, 'forbidden'],
  ],
  ['a token of nobody', authorized(GET('/usage/watcher'), { claims: {} }), [403, 'forbidden']],
  ['a token without claims', authorized(GET('/usage/watcher'), null), [403, 'forbidden']],
  [
    'a signed request',
    GET('/usage/watcher', context({ authorizer: { iam: { userArn: 'arn:aws:iam::0:user/a' } } })),
    WATCHED,
  ],
  ['cookies', GET('/usage/watcher', { cookies: ['a=b', 'c=%'] }), WATCHED],
];

const POST = (rest: object) => event('POST', '/register', rest);
const REGISTRATIONS: typeof USAGE_REQUESTS = [
  ['a form', REGISTER_EVENT, REGISTERED],
  ['a plain body', POST({ body: 'user-1' }), REGISTERED],
  ['a body without isBase64Encoded', POST({ body: 'x', isBase64Encoded: undefined }), REGISTERED],
  ['a body said to be base64', POST({ body: '!', isBase64Encoded: true }), [400, 'bad_user_id']],
  ['an empty body', POST({ body: '', isBase64Encoded: true }), [400, 'bad_user_id']],
  ['no body', POST({ body: null }), [400, 'bad_user_id']],
  [
    'the own token',
    authorized(POST({ body: 'user-1' }), { claims: { sub: 'user-1' } }),
    REGISTERED,
  ],
  [
    'another user’s token',
    authorized(POST({ body: 'user-1' }), { claims: { sub: 'user-2' } }),
    [403, 'forbidden'],
  ],
  [
    'a length that is wrong',
    POST({ body: 'user-1', headers: { 'Content-Length': '3' } }),
    REGISTERED,
  ],
  ['a query', POST({ body: 'user-1', queryStringParameters: { '%zz': '1,2' } }), REGISTERED],
];

/** The body, or the code of an error. */
function told({ body }: { body: string }): unknown {
  return body.includes('"code"') ? JSON.parse(body).code : body;
}

describe('the events of Lambda', () => {
  it.each(USAGE_REQUESTS)('the usage function answers %s', async (_name, given, answer) => {
    const { store, usage, logged } = functions();
    await watched(store, 'watcher');
    await watched(store, 'ü');
    const got = await usage(given, undefined);
    expect([got.statusCode, told(got)]).toEqual(answer);
    expect(logged).toEqual([]);
  });

  it.each(REGISTRATIONS)('the register function takes %s', async (_name, given, answer) => {
    const { register, logged } = functions();
    const got = await register(given, undefined);
    expect([got.statusCode, told(got)]).toEqual(answer);
    expect(logged).toEqual([]);
  });

  it.each([
    ['nobody', undefined, [403, 'api_key_needed']],
    ['the user’s own token', { jwt: { claims: { sub: 'ü' } } }, [403, 'api_key_needed']],
    ['an AWS identity', { iam: { accountId: '123456789012' } }, [200, '']],
  ])('the unregister function lets %s take a user away', async (_, authorizer, answer) => {
    const { store, unregister } = functions();
    await store.register('ü' as UserId);
    await watched(store, 'ü');
    const asked = event('DELETE', '/register/ü');
    const got = await unregister(
      { ...asked, requestContext: { ...asked.requestContext, authorizer } },
      {},
    );
    expect([got.statusCode, told(got)]).toEqual(answer);
    const isGone = got.statusCode === 200;
    expect([store.registered.has('ü'), store.totalMs()]).toEqual(
      isGone ? [false, 0] : [true, 31_000],
    );
  });

  it.each(OTHER_EVENTS)(
    'both refuse an event of %s, and say so in one line',
    async (_name, given) => {
      const { store, usage, register, logged } = functions();
      for (const handler of [usage, register]) {
        logged.length = 0;
        const got = await handler(given, {});
        expect([got.statusCode, told(got)]).toEqual([400, 'bad_request']);
        expect(got.headers['content-type']).toBe('application/json');
        expect(logged).toMatchObject([
          { level: 40, msg: expect.stringContaining('refused an event') },
        ]);
      }
      expect(store.registered.size).toBe(0);
    },
  );

  it('whatever a client sends, neither function throws', async () => {
    const { register, usage } = functions();
    const part = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('%', '..', '/', '\\', '#', '?', '%2e', '//', 'usage', 'register', 'watcher'),
    );
    const path = fc.array(part, { maxLength: 5 }).map((parts) => `/${parts.join('/')}`);
    const client = fc.record({
      method: fc.oneof(fc.constantFrom('GET', 'POST', 'CONNECT'), fc.string()),
      path,
      rest: fc.record({
        rawQueryString: fc.string({ unit: 'binary' }),
        queryStringParameters: fc.dictionary(fc.string(), fc.string()),
        headers: fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })),
        cookies: fc.array(fc.string()),
        body: fc.option(fc.string({ unit: 'binary' })),
        isBase64Encoded: fc.boolean(),
      }),
      domainName: fc.constantFrom('a.execute-api.eu-west-1.amazonaws.com', 'a.lambda-url.b.on.aws'),
      stage: fc.constantFrom('$default', 'usage', ''),
    });
    await fc.assert(
      fc.asyncProperty(client, async ({ method, path, rest, domainName, stage }) => {
        const requestContext = { domainName, stage, http: { method, path } };
        for (const handler of [register, usage]) {
          const answer = await handler(event(method, path, { ...rest, requestContext }), {});
          expect(answer.statusCode).toBeGreaterThanOrEqual(200);
          expect(answer.statusCode).toBeLessThan(500);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('whatever an event is, neither function throws', async () => {
    const { register, usage } = functions();
    await fc.assert(
      fc.asyncProperty(fc.object({ maxDepth: 3 }), async (given) => {
        const half = { version: '2.0', rawPath: '/usage/x', ...given };
        for (const handler of [register, usage])
          for (const anything of [given, half])
            expect((await handler(anything, {})).statusCode).toBe(400);
      }),
    );
  });
});
