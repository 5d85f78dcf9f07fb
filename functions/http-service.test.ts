import { connect } from 'node:net';
import { pino } from 'pino';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { loadConfig } from '../shared/config.ts';
import { HTTP_ERRORS } from '../shared/errors.ts';
import type { Store } from '../shared/store/store.ts';
import { MemoryStore } from '../shared/testing/memory-store.ts';
import { startHttpService } from './http-service.ts';
import { httpClient, httpContract } from './testing/http-contract.ts';

/** What a request may take by itself, and while its port closes: here no answer comes by that, on any machine. */
vi.mock('../shared/limits.ts', async (original) => ({
  ...(await original<object>()),
  STORE_TIMEOUT_MS: 60_000,
  HTTP_CLOSE_MS: 60_000,
}));

const silent = pino({ level: 'silent' });

async function started(
  store: Store = new MemoryStore(),
  settings: Record<string, string> = {},
  logger = silent,
) {
  const config = loadConfig({ SERVER_PORT: '0', SERVER_DRAIN_MS: '0', ...settings });
  const service = await startHttpService({ config, store, logger, droppedLogLines: () => 7 });
  return { ...service, port: Number(new URL(service.origin).port) };
}

async function listening(): Promise<number> {
  const service = await started();
  onTestFinished(() => service.stop());
  return service.port;
}

/** Sends bytes as they are and resolves with all that comes back until the server closes the connection. */
function exchange(port: number, ...parts: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
    for (const part of parts) socket.write(part);
  });
}

describe('the HTTP contract, over a socket', async () => {
  const { origin, stop } = await started();
  afterAll(() => stop());
  it.each(httpContract(httpClient(origin)))('$name', ({ run }) => run());
});

describe('what is hardly HTTP', () => {
  const badRequest = JSON.stringify({
    code: 'bad_request',
    message: HTTP_ERRORS.bad_request.message,
  });

  it.each([
    ['garbage', 'garbage\r\n\r\n'],
    ['headers past their limit', `GET /healthz HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`],
    [
      'two lengths',
      'POST /register HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    ],
    ['no Host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['an escape that is none', 'GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
  ])('%s gets 400 in the form of all errors', async (_name, bytes) => {
    const answer = await exchange(await listening(), bytes);
    const [head = '', body] = answer.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 400 /);
    expect(head.toLowerCase()).toContain('content-type: application/json');
    expect(body).toBe(badRequest);
  });

  it('an expectation that nobody knows is no error', async () => {
    const request =
      'GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nConnection: close\r\n\r\n';
    expect(await exchange(await listening(), request)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('a body without a stated length is cut off past 4 KiB', async () => {
    const head = 'POST /register HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    const answer = await exchange(await listening(), head, `1001\r\n${'a'.repeat(0x1001)}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('"body_too_large"');
  });

  it('half a header, or half a body, is cut off in the end', async () => {
    const port = await listening();
    const answers = await Promise.all([
      exchange(port, 'GET /healthz HTT'),
      exchange(port, 'POST /register HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nuse'),
    ]);
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('metrics', () => {
  it('are served on a port of their own: requests and the store behind them', async () => {
    const store = new MemoryStore();
    const service = await started(store, { SERVER_METRICS_PORT: '0' });
    onTestFinished(() => service.stop());
    const request = httpClient(service.origin);
    await request('POST', '/register', {}, 'user-1');
    await request('GET', '/usage/user-1');
    store.mode = 'failing';
    await request('GET', '/usage/user-2');
    await request('GET', '/nowhere');
    expect((await request('GET', '/metrics')).status).toBe(404);
    const operator = httpClient(service.metricsOrigin ?? '');
    const { status, body, headers } = await operator('GET', '/metrics');
    expect([status, headers['content-type']]).toEqual([200, expect.stringMatching(/^text\/plain/)]);
    const lines = body.split('\n').filter((line) => line.startsWith('streaming_'));
    const sample = (name: string) => lines.filter((line) => line.startsWith(`streaming_${name}`));
    expect(sample('functions_requests_total').sort()).toEqual([
      'streaming_functions_requests_total{route="",method="GET",status="404"} 2',
      'streaming_functions_requests_total{route="/register",method="POST",status="200"} 1',
      'streaming_functions_requests_total{route="/usage/:userId",method="GET",status="200"} 1',
      'streaming_functions_requests_total{route="/usage/:userId",method="GET",status="500"} 1',
    ]);
    expect(sample('functions_store_seconds_count').sort()).toEqual([
      'streaming_functions_store_seconds_count{operation="readUsage",outcome="failed"} 1',
      'streaming_functions_store_seconds_count{operation="readUsage",outcome="ok"} 1',
      'streaming_functions_store_seconds_count{operation="register",outcome="ok"} 1',
    ]);
    expect(sample('log_lines_dropped_total')).toEqual(['streaming_log_lines_dropped_total 7']);
    expect(sample('functions_connections_closed_total')).toHaveLength(3);
    expect((await operator('GET', '/')).status).toBe(404);
    expect((await operator('POST', '/metrics')).status).toBe(405);
  });

  it('are not served unless a port is set for them', async () => {
    const service = await started();
    onTestFinished(() => service.stop());
    expect(service.metricsOrigin).toBeUndefined();
  });
});

describe('the log of requests', () => {
  it('is there at info where it is set so', async () => {
    const lines: { msg: string; status: number }[] = [];
    const logger = pino({}, { write: (line) => lines.push(JSON.parse(line)) });
    const service = await started(new MemoryStore(), { SERVER_LOG_REQUESTS: 'info' }, logger);
    await httpClient(service.origin)('GET', '/healthz');
    await service.stop();
    expect(lines).toMatchObject([{ msg: 'request answered', url: '/healthz', status: 200 }]);
  });
});

describe('a client that leaves', () => {
  it('lets its read in the store be abandoned, and is no failure of the store', async () => {
    const lines: string[] = [];
    const logger = pino({}, { write: (line) => lines.push(line) });
    const store: Store = new MemoryStore();
    const asked = Promise.withResolvers<void>();
    const abandoned = Promise.withResolvers<void>();
    store.readUsage = (_userId, _from, signal) =>
      new Promise((_resolve, reject) => {
        asked.resolve();
        signal?.addEventListener('abort', () => {
          abandoned.resolve();
          reject(signal.reason);
        });
      });
    const service = await started(store, {}, logger);
    const client = connect(service.port, '127.0.0.1');
    client.write('GET /usage/user-1 HTTP/1.1\r\nHost: a\r\n\r\n');
    await asked.promise;
    client.destroy();
    await abandoned.promise;
    await service.stop();
    expect(lines).toEqual([]);
  });
});

describe('a stop', () => {
  it('is announced first: ready no more, what is asked is answered, and connections are let go of', async () => {
    const store = new MemoryStore();
    const asked = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    store.gate = () => {
      asked.resolve();
      return released.promise;
    };
    // Longer than the two requests take that come meanwhile.
    const { port, stop } = await started(store, { SERVER_DRAIN_MS: '5000' });
    const answer = exchange(port, 'GET /usage/user-1 HTTP/1.1\r\nHost: a\r\n\r\n');
    await asked.promise;
    const stopped = stop();
    const ready = await exchange(port, 'GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(ready).toMatch(/^HTTP\/1\.1 503 .*connection: close.*"shutting_down"/is);
    const health = await exchange(port, 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(health).toMatch(/^HTTP\/1\.1 200 .*connection: close/is);
    const refused = () => expect(exchange(port)).rejects.toThrow('ECONNREFUSED');
    await vi.waitFor(refused, { timeout: 20_000 });
    released.resolve();
    expect(await answer).toMatch(/^HTTP\/1\.1 200 .*connection: close/is);
    await stopped;
  });
});
