import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, get as httpGet } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { httpClient } from './testing/http-contract.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'functions-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The server in a process of its own, on a free port and a fresh store unless `settings` say otherwise. */
function start(settings: Record<string, string> = {}) {
  const server = spawn(process.execPath, [join(import.meta.dirname, 'server.ts')], {
    env: {
      STORE: 'sqlite',
      SQLITE_PATH: join(folder, 'store.db'),
      SERVER_PORT: '0',
      ...settings,
    },
  });
  onTestFinished(() => void server.kill('SIGKILL'));
  return {
    server,
    exit: once(server, 'exit') as Promise<[code: number | null, signal: NodeJS.Signals | null]>,
    errors: text(server.stderr),
    lines: createInterface(server.stdout)[Symbol.asyncIterator](),
  };
}

interface Line {
  readonly msg: string;
  readonly origin: string;
  readonly lines?: number;
}

/** The next line of the log; that it is one JSON object is part of every test here. */
async function nextLine({ lines }: { lines: AsyncIterator<string> }): Promise<Line> {
  const { value, done } = await lines.next();
  if (done) throw new Error('the log has ended');
  return JSON.parse(value);
}

async function ready(settings?: Record<string, string>) {
  const process = start(settings);
  const line = await nextLine(process);
  expect(line.msg).toMatch(/^ready to handle requests at http:/);
  return { ...process, origin: line.origin, port: Number(new URL(line.origin).port) };
}

describe('the server', () => {
  it('serves registration and usage as soon as its one line says that it is ready', async () => {
    const { origin } = await ready();
    const request = httpClient(origin);
    expect(await request('POST', '/register', {}, 'user-1')).toMatchObject({ status: 200 });
    expect((await request('GET', '/usage/user-1')).body).toBe('{"sessions":{}}');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 at %s', async (signal) => {
    const { server, exit, errors } = await ready();
    server.kill(signal);
    expect(await exit).toEqual([0, null]);
    expect(await errors).toBe('');
  });

  it('is not kept from stopping by connections that are idle or in the middle of a request', async () => {
    const { server, exit, port } = await ready();
    const open = (bytes: string) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
      return { socket, received: text(socket) };
    };
    const silent = open('');
    const half = open('GET /healthz HTTP/1.1\r\n');
    const idle = open('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(idle.socket, 'readable');
    server.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    expect(await idle.received).toMatch(/^HTTP\/1\.1 200 /);
    // An error here would mean that the stop has waited for the request's own time limit.
    expect([await silent.received, await half.received]).toEqual(['', '']);
  });

  it('says in one line which setting is bad, and ends with 1', async () => {
    const { exit, errors } = start({ SERVER_PORT: 'http' });
    expect(await exit).toEqual([1, null]);
    expect(await errors).toMatch(/^SERVER_PORT must be .*"http"\n$/);
  });

  it('says in one line that its port is taken, and ends with 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const { exit, errors } = start({ SERVER_PORT: String(port) });
    expect(await exit).toEqual([1, null]);
    expect(await errors).toMatch(/^SERVER_HOST, SERVER_PORT: .*EADDRINUSE.*\n$/);
  });

  it('is held up by no log that nobody reads, and counts what it could not log', async () => {
    const { server, lines, port, exit } = await ready({ LOG_LEVEL: 'debug' });
    server.stdout.pause();
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    onTestFinished(() => agent.destroy());
    // Far more than the pipe and the backlog take; the log has the path.
    const path = `/nowhere/${'x'.repeat(4000)}`;
    const ask = () =>
      new Promise((resolve, reject) => {
        const asked = httpGet({ host: '127.0.0.1', port, agent, path }, (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode));
        });
        asked.on('error', reject);
      });
    const statuses = await Promise.all(Array.from({ length: 800 }, ask));
    expect(new Set(statuses)).toEqual(new Set([404]));
    server.stdout.resume();
    // What was dropped is told each time that lines are read again.
    for (let told = 0; told < statuses.length; ) {
      const line = await nextLine({ lines });
      if (line.msg === 'request answered') told += 1;
      else if (line.msg.includes('log lines dropped')) told += Number(line.lines);
      expect(told).toBeLessThanOrEqual(statuses.length);
    }
    server.stdout.pause();
    await Promise.all(Array.from({ length: 800 }, ask));
    server.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
  });
});
