import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigError } from '../../shared/errors.ts';
import { registerRoute } from '../register.ts';
import { lambdaFunction } from './function.ts';

/** What the functions have sent to what they take for DynamoDB, and over how many connections. */
const seen = { connections: 0, calls: [] as [operation: string, table: string][] };
const database = createServer(async (request, response) => {
  const { TableName } = (await json(request)) as { TableName: string };
  seen.calls.push([String(request.headers['x-amz-target']).split('.')[1] ?? '', TableName]);
  response.setHeader('content-type', 'application/x-amz-json-1.0');
  response.end('{"Items":[],"Count":0,"ScannedCount":0}');
}).on('connection', () => {
  seen.connections += 1;
});

beforeAll(async () => {
  await once(database.listen(0, '127.0.0.1'), 'listening');
  const { port } = database.address() as { port: number };
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('DYNAMODB_TABLE_PREFIX', 'tests');
  vi.stubEnv('LOG_LEVEL', 'fatal');
});
afterAll(() => {
  vi.unstubAllEnvs();
  database.closeAllConnections();
  database.close();
});
beforeEach(() => {
  vi.stubEnv('STORE', 'dynamodb');
  seen.connections = 0;
  seen.calls.length = 0;
});

function event(method: string, rawPath: string, body?: string) {
  return { version: '2.0', rawPath, headers: {}, requestContext: { http: { method } }, body };
}

describe('a function', () => {
  it('registers, sends nothing before its first request, and reuses its connection', async () => {
    const { handler } = await import('./register.ts');
    expect(seen.connections).toBe(0);
    for (let n = 0; n < 3; n += 1) {
      const answer = await handler(event('POST', '/register', `user-${n}`), {});
      expect(answer).toMatchObject({ statusCode: 200, body: '' });
    }
    expect(seen.calls).toEqual(Array(3).fill(['PutItem', 'tests-registrations']));
    expect(seen.connections).toBe(1);
  });

  it('tells usage, sends nothing before its first request, and reuses its connection', async () => {
    const { handler } = await import('./usage.ts');
    expect(seen.connections).toBe(0);
    for (let n = 0; n < 3; n += 1) {
      const answer = await handler(event('GET', '/usage/user-1'), {});
      expect(answer).toMatchObject({ statusCode: 200, body: '{"sessions":{}}' });
    }
    expect(seen.calls).toEqual(Array(3).fill(['Query', 'tests-usage']));
    expect(seen.connections).toBe(1);
  });

  it('unregisters, where the request is signed', async () => {
    const { handler } = await import('./unregister.ts');
    const asked = event('DELETE', '/register/user-1');
    const signed = { ...asked.requestContext, authorizer: { iam: { accountId: '1' } } };
    expect((await handler(asked, {})).statusCode).toBe(403);
    expect(seen.calls).toEqual([]);
    const answer = await handler({ ...asked, requestContext: signed }, {});
    expect(answer).toMatchObject({ statusCode: 200, body: '' });
    expect(seen.calls).toEqual([
      ['DeleteItem', 'tests-registrations'],
      ['UpdateItem', 'tests-usage'],
      ['Query', 'tests-usage'],
    ]);
  });

  it('answers a token for its own user alone', async () => {
    const { handler } = await import('./usage.ts');
    const asked = event('GET', '/usage/user-1');
    const as = (sub: string) => ({
      ...asked,
      requestContext: { ...asked.requestContext, authorizer: { jwt: { claims: { sub } } } },
    });
    expect((await handler(as('user-1'), {})).statusCode).toBe(200);
    expect((await handler(as('user-2'), {})).statusCode).toBe(403);
    expect(seen.calls).toHaveLength(1);
  });

  it('lists edge nodes to whoever has a token', async () => {
    const { handler } = await import('./usage.ts');
    const asked = event('GET', '/edges');
    const authorizer = { jwt: { claims: { sub: 'user-1' } } };
    const answer = await handler(
      { ...asked, requestContext: { ...asked.requestContext, authorizer } },
      {},
    );
    expect(answer).toMatchObject({ statusCode: 200, body: '{"edges":[]}' });
    expect(seen.calls).toEqual([['Query', 'tests-usage']]);
  });

  it('does not start with a store that is not for functions', () => {
    vi.stubEnv('STORE', 'sqlite');
    expect(() => lambdaFunction(registerRoute)).toThrow(ConfigError);
    expect(() => lambdaFunction(registerRoute)).toThrow('STORE must be dynamodb');
  });
});
