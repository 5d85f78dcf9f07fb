import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../shared/config.ts';
import type { Minute, UserId } from '../../shared/ids.ts';
import { createLogger } from '../../shared/logger.ts';
import { openStore } from '../../shared/store/open-store.ts';
import { Feed } from '../testing/feed.ts';
import { ScriptedSource } from '../testing/scripted-source.ts';
import { ScriptedUser } from '../testing/scripted-user.ts';

const MAIN = join(import.meta.dirname, '../main.ts');
const USER = 'user-1' as UserId;
const PAYLOAD_BYTES = 188;
const PACKET_MS = 20;
const TIMEOUT_MS = 60_000;
const TEST_TIMEOUT_MS = 2 * TIMEOUT_MS;
/** Connections that come at a time while a worker stands still, until enough are on their way to it. */
const COMERS = 12;

interface Line {
  readonly msg: string;
  readonly worker?: number;
  readonly pid?: number;
  readonly users?: number;
  readonly admin?: number;
}

let folder: string;
let source: ScriptedSource;
let settings: Record<string, string>;
const pids = new Set<number>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streaming-workers-'));
  source = new ScriptedSource();
  await source.listen();
  settings = {
    STORE: 'sqlite',
    SQLITE_PATH: join(folder, 'service.db'),
    USAGE_SPOOL_DIR: join(folder, 'spool'),
    STREAM_PORT: '0',
    WATCH_PORT: '0',
    ADMIN_PORT: '0',
    CHANNEL_SOURCE_HOST: '127.0.0.1',
    CHANNEL_SOURCE_PORT: String(source.port),
    REORDER_SETTLE_MS: '20',
    DRAIN_MS: '100',
    SERVER_DRAIN_MS: '0',
    EDGE_WORKERS: '2',
  };
});
afterEach(async () => {
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  pids.clear();
  await source.close();
  await rm(folder, { recursive: true });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A node as a process, with what it logs, and its workers, which outlive it if they can. */
class Node {
  readonly child: ChildProcess;
  readonly lines: Line[] = [];
  stderr = '';
  readonly exited: Promise<unknown[]>;

  constructor() {
    this.child = spawn(process.execPath, [MAIN], {
      env: { PATH: process.env.PATH, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.exited = once(this.child, 'exit');
    pids.add(this.child.pid ?? 0);
    if (this.child.stdout) {
      createInterface(this.child.stdout).on('line', (text) => {
        const line = JSON.parse(text) as Line;
        this.lines.push(line);
        if (line.pid !== undefined) pids.add(line.pid);
      });
    }
    this.child.stderr?.on('data', (text) => {
      this.stderr += text;
    });
  }

  get workers(): number[] {
    return this.lines.flatMap(({ worker, pid }) =>
      worker !== undefined && pid !== undefined ? [pid] : [],
    );
  }

  /** The first worker of this number. */
  pidOf(number: number): number {
    const line = this.lines.find(({ worker, pid }) => worker === number && pid !== undefined);
    if (line?.pid === undefined) throw new TypeError(`worker ${number} has not started`);
    return line.pid;
  }

  /** Resolves when it takes users, and both workers have said who they are: these lines come by another way. */
  async ready(): Promise<Line> {
    const find = () => this.lines.find(({ msg }) => msg.startsWith('ready '));
    await expect.poll(find, { timeout: TIMEOUT_MS }).toBeDefined();
    await expect.poll(() => this.workers.length, { timeout: TIMEOUT_MS }).toBe(2);
    return find() as Line;
  }
}

/** By the supervisor's count, which a worker that stands still does not change. */
async function usersOfWorker(adminPort: number, worker: number): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  const line = new RegExp(`^streaming_worker_users\\{worker="${worker}"\\} (\\d+)$`, 'm');
  return Number(line.exec(page)?.[1]);
}

/** A user who has received so many packets, and what is stored for it. */
async function watch(port: number) {
  const store = await openStore(loadConfig(settings), createLogger('fatal', 'test'));
  await store.register(USER);
  const user = new ScriptedUser(port, `${USER} zato01`);
  const feed = new Feed('zato01', { first: 100_000n, payloadBytes: PAYLOAD_BYTES });
  const storedMs = async () => {
    const read = await store.readUsage(USER, 0 as Minute);
    return read.reduce((sum, { firstMs, laterMs }) => sum + firstMs + laterMs, 0);
  };
  await expect
    .poll(
      () => {
        source.send(feed.make(10));
        return user.receivedBytes;
      },
      { timeout: TIMEOUT_MS, interval: 100 },
    )
    .toBeGreaterThan(0);
  return { user, feed, storedMs, close: () => store.close() };
}

describe('a node of several processes', () => {
  test(
    'whose supervisor is killed drains and ends, and has accounted for all',
    async () => {
      const node = new Node();
      const { users = 0 } = await node.ready();
      const { user, storedMs, close } = await watch(users);
      process.kill(node.child.pid ?? 0, 'SIGKILL');
      await expect.poll(() => node.workers.some(isAlive), { timeout: TIMEOUT_MS }).toBe(false);
      await expect.poll(() => user.socket.readableEnded, { timeout: TIMEOUT_MS }).toBe(true);
      const packets = user.receivedBytes / PAYLOAD_BYTES;
      expect(await storedMs()).toBe(packets * PACKET_MS);
      expect(await readdir(join(folder, 'spool'))).toEqual([]);
      await close();
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'is hurried by a second signal, and still accounts for all',
    async () => {
      settings.DRAIN_MS = '60000';
      const node = new Node();
      const { users = 0 } = await node.ready();
      const { user, storedMs, close } = await watch(users);
      node.child.kill('SIGTERM');
      const stopping = () => node.lines.filter(({ msg }) => msg === 'stopping').length;
      await expect.poll(stopping, { timeout: TIMEOUT_MS }).toBe(3);
      node.child.kill('SIGTERM');
      expect(await node.exited).toEqual([0, null]);
      await expect.poll(() => user.socket.readableEnded, { timeout: TIMEOUT_MS }).toBe(true);
      const packets = user.receivedBytes / PAYLOAD_BYTES;
      expect(await storedMs()).toBe(packets * PACKET_MS);
      await close();
    },
    TEST_TIMEOUT_MS,
  );

  test.each(['STREAM', 'WATCH', 'ADMIN'])(
    'says in one line that the port of %s is taken',
    async (name) => {
      const other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      settings[`${name}_PORT`] = String((other.address() as AddressInfo).port);
      const node = new Node();
      expect(await node.exited).toEqual([1, null]);
      expect(node.stderr).toMatch(
        new RegExp(`^${name}_HOST, ${name}_PORT: listen EADDRINUSE.+\n$`),
      );
      other.close();
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'closes the connections that were on their way to a worker that is killed, and starts another',
    async () => {
      settings.MAX_SESSIONS_PER_USER = '1000';
      const node = new Node();
      const { users = 0, admin = 0 } = await node.ready();
      const { feed, close } = await watch(users);
      const stopped = node.pidOf(0);
      process.kill(stopped, 'SIGSTOP');
      const before = await usersOfWorker(admin, 0);
      const comers: ScriptedUser[] = [];
      const onTheirWay = async () => {
        for (let i = 0; i < COMERS; i += 1) comers.push(new ScriptedUser(users, `${USER} zato01`));
        return (await usersOfWorker(admin, 0)) - before;
      };
      // Node sends one, and the others wait for it to arrive.
      await expect.poll(onTheirWay, { timeout: TIMEOUT_MS }).toBeGreaterThanOrEqual(3);
      process.kill(stopped, 'SIGKILL');
      const inLimbo = () => {
        source.send(feed.make(10));
        return comers.filter((user) => !user.isEnded && !user.isClosed && user.receivedBytes === 0);
      };
      await expect.poll(() => inLimbo().length, { timeout: TIMEOUT_MS, interval: 100 }).toBe(0);
      await expect.poll(() => node.workers.length, { timeout: TIMEOUT_MS }).toBe(3);
      node.child.kill('SIGTERM');
      expect(await node.exited).toEqual([0, null]);
      await close();
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'puts another worker in the place of one that was told to stop',
    async () => {
      settings.ADMIN_HOST = '0.0.0.0';
      const node = new Node();
      await node.ready();
      // Workers have no port for operators, and say nothing of it.
      const warnings = node.lines.filter(({ msg }) => msg.startsWith('operators: '));
      expect(warnings.length).toBe(1);
      process.kill(node.pidOf(0), 'SIGTERM');
      await expect.poll(() => node.workers.length, { timeout: TIMEOUT_MS }).toBe(3);
      node.child.kill('SIGTERM');
      expect(await node.exited).toEqual([0, null]);
      expect(node.workers.some(isAlive)).toBe(false);
    },
    TEST_TIMEOUT_MS,
  );
});
