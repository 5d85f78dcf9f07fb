import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { HTTP_ERRORS } from '../errors.ts';
import { ARRIVAL_GRACE_MS } from '../limits.ts';
import { LogLimiter } from '../logger.ts';
import { Client, GET, listening, reachable, until } from './testing/http-rig.ts';

/** Time that stands still unless a test lets it go on. */
const time = vi.hoisted(() => ({ ms: 0 }));
vi.mock(import('../clock.ts'), async (original) => ({
  ...(await original()),
  monotonicMs: () => time.ms,
}));

/** What `localhost` is here: two addresses, which macOS lacks one of, and one that no machine has. */
const LOCALHOST = ['192.0.2.1', '127.0.0.1', '127.0.0.2'];
vi.mock('node:dns/promises', () => ({
  lookup: async () => LOCALHOST.map((address) => ({ address })),
}));

const BAD_REQUEST = JSON.stringify({
  code: 'bad_request',
  message: HTTP_ERRORS.bad_request.message,
});

describe('a bound on connections', () => {
  it('lets the one that was idle for longest make room', async () => {
    const { port, listener, logged } = await listening({ maxConnections: 3 });
    const clients = [new Client(port), new Client(port), new Client(port)] as const;
    for (const client of clients) {
      client.send(GET('/'));
      await until(() => client.statuses.length === 1);
    }
    clients[0].send(GET('/again'));
    await until(() => clients[0].statuses.length === 2);
    const newcomer = new Client(port).send(GET('/new'));
    await clients[1].closed;
    await until(() => newcomer.statuses.length === 1);
    clients[0].send(GET('/'));
    clients[2].send(GET('/'));
    await until(() => clients[0].statuses.length === 3 && clients[2].statuses.length === 2);
    expect(listener.counts).toMatchObject({ accepted: 4, madeRoom: 1, turnedAway: 0 });
    expect(logged).toEqual([
      'HTTP connections are at their limit: closed the one that was idle for longest',
    ]);
  });

  it('counts as idle who has said nothing, or only half', async () => {
    const { port, listener } = await listening({ maxConnections: 2 });
    const silent = new Client(port);
    await until(() => listener.connections === 1);
    const half = new Client(port).send(
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf',
    );
    await until(() => listener.connections === 2);
    time.ms += ARRIVAL_GRACE_MS;
    for (const slow of [silent, half]) {
      const newcomer = new Client(port).send(GET('/'));
      await slow.closed;
      await until(() => newcomer.statuses.length === 1);
    }
  });

  it('lets nobody go who has only just come: a newcomer is told that there is no room', async () => {
    const { port, listener } = await listening({ maxConnections: 1 });
    const first = new Client(port);
    await until(() => listener.connections === 1);
    const newcomer = new Client(port).send(GET('/'));
    await newcomer.closed;
    expect(newcomer.statuses).toEqual([503]);
    first.send(GET('/'));
    await until(() => first.statuses.length === 1);
    expect(first.statuses).toEqual([200]);
  });

  it('cuts no answer short: a newcomer is turned away where all are being answered', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { port, listener, logged } = await listening({
      maxConnections: 2,
      handler: async ({ url }, response) => {
        await released;
        response.end(url);
      },
    });
    const clients = [new Client(port).send(GET('/')), new Client(port).send(GET('/'))];
    await until(() => listener.connections === 2);
    const newcomer = new Client(port).send(GET('/'));
    await newcomer.closed;
    expect(newcomer.received).toMatch(
      /^HTTP\/1\.1 503 .*\r\nretry-after: 1\r\n.*too_many_connections/s,
    );
    expect(listener.counts).toMatchObject({ madeRoom: 0, turnedAway: 1 });
    expect(logged[0]).toContain('turned one away');
    release();
    await until(() => clients.every(({ statuses }) => statuses.length === 1));
  });
});

it('ports at their limit in the same second are told each by its setting', async () => {
  const ports: string[] = [];
  const logger = pino({}, { write: (line) => ports.push(JSON.parse(line).port) });
  const limiter = new LogLimiter(logger);
  for (const setting of ['ADMIN_PORT', 'WATCH_PORT'] as const) {
    const { port } = await listening({ maxConnections: 1, setting, limiter });
    const idle = new Client(port).send(GET('/'));
    await until(() => idle.statuses.length === 1);
    new Client(port);
    await idle.closed;
  }
  expect(ports).toEqual(['ADMIN_PORT', 'WATCH_PORT']);
});

describe('what is no request of ours', () => {
  it.each([
    ['garbage', 'garbage\r\n\r\n'],
    ['headers past their limit', `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n'],
  ])('%s gets 400 at each address of localhost', async (_name, bytes) => {
    const { port } = await listening({ host: 'localhost' });
    for (const host of LOCALHOST.slice(1)) {
      const client = new Client(port, host);
      if (!(await reachable(client))) continue;
      client.send(bytes);
      await client.closed;
      const [head = '', body] = client.received.split('\r\n\r\n');
      expect(head).toMatch(/^HTTP\/1\.1 400 /);
      expect(head.toLowerCase()).toContain('content-type: application/json');
      expect(body).toBe(BAD_REQUEST);
    }
  });

  it('an expectation that nobody knows is passed over at each address of localhost', async () => {
    const { port } = await listening({ host: 'localhost' });
    for (const host of LOCALHOST.slice(1)) {
      const client = new Client(port, host);
      if (!(await reachable(client))) continue;
      client.send('GET /path HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n');
      await until(() => client.received.endsWith('/path'));
    }
  });

  it('behind a request that is being answered, does not spoil that answer', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { port } = await listening({
      handler: async ({ url }, response) => {
        await released;
        response.end(url);
      },
    });
    for (const bytes of ['garbage\r\n\r\n', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n']) {
      const client = new Client(port).send(GET('/first'), bytes);
      const heard = new Client(port).send('garbage\r\n\r\n');
      await heard.closed;
      release();
      await client.closed;
      expect(client.statuses).toEqual([200]);
      expect(client.received).toMatch(/connection: close.*\/first$/is);
    }
  });
});

describe('a stop', () => {
  it('is announced to clients that stay and to clients that come', async () => {
    const { port, listener } = await listening();
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const ask = async () => {
      const asked = get({ port, host: '127.0.0.1', agent, path: '/' });
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      answer.resume();
      await once(answer, 'close');
      return [asked.reusedSocket, answer.headers.connection];
    };
    expect(await ask()).toEqual([false, 'keep-alive']);
    const drained = listener.drain(3_600_000);
    expect(await ask()).toEqual([true, 'close']);
    expect(await ask()).toEqual([false, 'close']);
    listener.hurry();
    await drained;
    await listener.close();
    await expect(ask()).rejects.toThrow('ECONNREFUSED');
  });

  it('resets nobody: whoever has connected before is answered, accepted yet or not', async () => {
    const { port, listener } = await listening();
    const clients = Array.from({ length: 100 }, () => new Client(port).send(GET('/')));
    // The kernel has taken all of them before the event loop polls again.
    await new Promise(process.nextTick);
    await listener.close();
    await Promise.all(clients.map(({ closed }) => closed));
    expect(clients.map(({ statuses }) => statuses)).toEqual(clients.map(() => [200]));
  });

  it('announces itself in the answer that is under way', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: asked, resolve: hear } = Promise.withResolvers<void>();
    const { port, listener } = await listening({
      handler: async (_request, response) => {
        hear();
        await released;
        response.end();
      },
    });
    const client = new Client(port).send(GET('/'));
    await asked;
    const closed = listener.close();
    release();
    await closed;
    await client.closed;
    expect(client.received).toMatch(/^HTTP\/1\.1 200 .*connection: close/is);
  });
});
