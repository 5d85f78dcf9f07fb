import { connect } from 'node:net';
import { pino } from 'pino';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { HTTP_ERRORS } from '../shared/errors.ts';
import type { Store } from '../shared/store/store.ts';
import { MemoryStore } from '../shared/testing/memory-store.ts';
import { startHttpService } from './http-service.ts';
import { httpClient, httpContract } from './testing/http-contract.ts';

const logger = pino({ level: 'silent' });

async function started(store = new MemoryStore(), host = '127.0.0.1') {
  const service = await startHttpService({ store, logger }, host, 0);
  return { ...service, port: Number(new URL(service.origin).port) };
}

async function listening(): Promise<number> {
  const service = await started();
  onTestFinished(() => service.stop(0));
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
  afterAll(() => stop(0));
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
    const service = await startHttpService({ store, logger }, '127.0.0.1', 0);
    const client = connect(Number(new URL(service.origin).port), '127.0.0.1');
    client.write('GET /usage/user-1 HTTP/1.1\r\nHost: a\r\n\r\n');
    await asked.promise;
    client.destroy();
    await abandoned.promise;
    await service.stop(0);
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
    const { port, stop } = await started(store);
    const answer = exchange(port, 'GET /usage/user-1 HTTP/1.1\r\nHost: a\r\n\r\n');
    await asked.promise;
    const stopped = stop(500);
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
