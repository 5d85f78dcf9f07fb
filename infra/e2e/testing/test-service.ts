import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { loadConfig } from '../../../shared/config.ts';
import type { Minute, UserId } from '../../../shared/ids.ts';
import { createLogger } from '../../../shared/logger.ts';
import { openStore } from '../../../shared/store/open-store.ts';
import type { Store } from '../../../shared/store/store.ts';
import { cleanEnvironment } from '../../local/environment.ts';
import { TestProcess } from './test-process.ts';
import { TestSource } from './test-source.ts';
import { TestUser } from './test-user.ts';

type Settings = Readonly<Record<string, string>>;

/**
 * What the service itself may take, and a busy machine beside: another process's spool files are taken over after 16 s,
 * for one, and a store that was away is found again a moment after its own start.
 */
const WAIT_MS = 60_000;
const REPLAY = `${import.meta.dirname}/../../../edge-node/usage/spool/replay.ts`;
/** Refusals by a node or a store that is busy: any client comes again. */
const COME_AGAIN = /^ERR (too_many_connections|store_unavailable) /;

/** Running functions. */
export interface TestFunctions {
  readonly process: TestProcess;
  readonly origin: string;
}

/** A running edge node. */
export interface TestEdge {
  readonly process: TestProcess;
  readonly usersPort: number;
  readonly adminPort: number;
}

/** What /status says, as far as these tests ask. */
interface Status {
  readonly usersTotal: number;
  readonly channels: readonly {
    readonly channel: string;
    readonly received: number;
    readonly lost: number;
  }[];
  readonly store: {
    readonly usage: {
      readonly rowsSaved: number;
      readonly saveFailures: number;
      readonly pendingRows: number;
      readonly reachable: boolean;
      readonly spool: {
        readonly files: number;
        readonly rowsWritten: number;
        readonly health: { readonly kind: 'writable' | 'unwritable' };
      };
    };
  };
}

/** The whole service on real sockets and files in a folder of its own: a source, functions, any number of edge nodes. */
export class TestService {
  readonly folder: string;
  readonly source: TestSource;
  readonly #settings: Settings;
  readonly #store: Store;
  readonly #processes: TestProcess[] = [];
  #functions: TestProcess | undefined;
  #origin = '';

  private constructor(folder: string, source: TestSource, store: Store, settings: Settings) {
    this.folder = folder;
    this.source = source;
    this.#store = store;
    this.#settings = settings;
  }

  /** @param settings of both services, over those of a test on SQLite */
  static async start(settings: Settings = {}): Promise<TestService> {
    const folder = await mkdtemp(join(tmpdir(), 'streaming-service-e2e-'));
    const source = new TestSource();
    const all = {
      STORE: 'sqlite',
      SQLITE_PATH: join(folder, 'service.db'),
      USAGE_SPOOL_DIR: join(folder, 'spool'),
      SERVER_PORT: '0',
      STREAM_PORT: '0',
      WATCH_PORT: '0',
      ADMIN_PORT: '0',
      CHANNEL_SOURCE_HOST: '127.0.0.1',
      CHANNEL_SOURCE_PORT: String(await source.listen()),
      REORDER_SETTLE_MS: '20',
      DRAIN_MS: '100',
      SERVER_DRAIN_MS: '100',
      ...settings,
    };
    const store = await openStore(loadConfig(all), createLogger('fatal', 'test'));
    const service = new TestService(folder, source, store, all);
    service.#functions = service.#spawn('functions/server.ts', {});
    service.#origin = String((await service.#functions.ready).origin);
    return service;
  }

  /** The functions that this service began with. */
  get functions(): TestProcess {
    if (this.#functions === undefined) throw new TypeError('the service has not started');
    return this.#functions;
  }

  get databasePath(): string {
    return join(this.folder, 'service.db');
  }

  get spoolPath(): string {
    return join(this.folder, 'spool');
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.end('SIGKILL')));
    await this.source.close();
    await this.#store.close();
    await rm(this.folder, { recursive: true });
  }

  /** Resolves when functions take requests. */
  async startFunctions(settings: Settings = {}, openFiles?: number): Promise<TestFunctions> {
    const process = this.#spawn('functions/server.ts', settings, openFiles);
    return { process, origin: String((await process.ready).origin) };
  }

  /** Resolves when the edge node takes users, and packets from the source. */
  async startEdge(settings: Settings = {}, openFiles?: number): Promise<TestEdge> {
    const { accepted } = this.source;
    const process = this.#spawn('edge-node/main.ts', settings, openFiles);
    const { users, admin } = await process.ready;
    await this.eventually(() => this.source.accepted).toBeGreaterThan(accepted);
    return { process, usersPort: Number(users), adminPort: Number(admin) };
  }

  /** Resolves when an edge node that takes its channels from relays takes users. */
  async startFleetEdge(): Promise<TestEdge> {
    const process = this.#spawn('edge-node/main.ts', { CHANNEL_FEED: 'nats' });
    const { users, admin } = await process.ready;
    return { process, usersPort: Number(users), adminPort: Number(admin) };
  }

  /** Resolves when a relay takes packets from the source. */
  async startRelay(): Promise<TestProcess> {
    const { accepted } = this.source;
    const process = this.#spawn('edge-node/relay/main.ts', { RELAY_ADMIN_PORT: '0' });
    await process.ready;
    await this.eventually(() => this.source.accepted).toBeGreaterThan(accepted);
    return process;
  }

  /**
   * GET /usage, of the functions that this service began with unless said otherwise. They are asked again where their
   * store was too slow.
   */
  async usage(user: string, origin = this.#origin): Promise<Record<string, number>> {
    let body: unknown;
    const ask = async () => {
      const answer = await fetch(`${origin}/usage/${encodeURIComponent(user)}`);
      body = await answer.json();
      return answer.status;
    };
    await this.eventually(ask).toBe(200);
    return (body as { sessions: Record<string, number> }).sessions;
  }

  /** The status that functions answer a request with. */
  async statusOf(method: 'GET' | 'POST', path: string, body?: string): Promise<number> {
    const answer = await fetch(`${this.#origin}${path}`, { method, ...(body && { body }) });
    await answer.arrayBuffer();
    return answer.status;
  }

  /** All that the store holds of a user, to the packet and whatever its age. */
  async storedMs(user: string): Promise<number> {
    const channels = await this.#store.readUsage(user as UserId, 0 as Minute);
    return channels.reduce((sum, { firstMs, laterMs }) => sum + firstMs + laterMs, 0);
  }

  /**
   * The same, of edge nodes that have ended: what a slow store did not take within the time of a stop was left to the
   * spool, and is stored first.
   */
  async settledMs(user: string): Promise<number> {
    const left = await readdir(this.spoolPath).catch(() => []);
    if (left.length > 0) {
      const env = { ...cleanEnvironment(process.env), ...this.#settings };
      await promisify(execFile)(process.execPath, [REPLAY, this.spoolPath], { env });
    }
    return this.storedMs(user);
  }

  async register(...users: string[]): Promise<void> {
    for (const user of users) {
      await this.eventually(() => this.statusOf('POST', '/register', user)).toBe(200);
    }
  }

  /** Registered users watch; resolves when their sessions have begun. Who is told to come again does. */
  async watch(edge: TestEdge, channel: string, ...names: string[]): Promise<TestUser[]> {
    const { usersTotal } = await this.status(edge);
    const begin = (name: string) => new TestUser(name, channel, edge.usersPort);
    const users = names.map(begin);
    const comeAgain = async () => {
      for (const [i, { id, refusal }] of users.entries()) {
        if (COME_AGAIN.test(refusal)) users[i] = begin(id);
      }
      return this.#usersTotal(edge);
    };
    await this.eventually(comeAgain).toBe(usersTotal + users.length);
    return users;
  }

  /** Pauses the source; resolves when users have all that it sent: who breaks off sooner was counted what they never read. */
  async runDry(...users: TestUser[]): Promise<void> {
    this.source.pause();
    const behind = () =>
      users.filter(({ channel, lastSequence }) => lastSequence !== this.source.newest(channel));
    await this.eventually(() => behind().length).toBe(0);
  }

  /** Users go; resolves when their sessions have ended. */
  async leave(edge: TestEdge, ...users: TestUser[]): Promise<void> {
    const { usersTotal } = await this.status(edge);
    await Promise.all(users.map((user) => user.leave()));
    await this.eventually(() => this.#usersTotal(edge)).toBe(usersTotal - users.length);
  }

  async status(edge: TestEdge): Promise<Status> {
    const answer = await fetch(`http://127.0.0.1:${edge.adminPort}/status`);
    expect(answer.status).toBe(200);
    return (await answer.json()) as Status;
  }

  /** The value of a metric, by its name with its labels. */
  async metric(edge: TestEdge, name: string): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${edge.adminPort}/metrics`);
    const lines = (await answer.text()).split('\n');
    return Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length));
  }

  /** Assertions that come true in time. */
  eventually<T>(read: () => T | Promise<T>) {
    return expect.poll(read, { timeout: WAIT_MS, interval: 20 });
  }

  async #usersTotal(edge: TestEdge): Promise<number> {
    return (await this.status(edge)).usersTotal;
  }

  #spawn(script: string, settings: Settings, openFiles?: number): TestProcess {
    const process = new TestProcess(script, { ...this.#settings, ...settings }, openFiles);
    this.#processes.push(process);
    return process;
  }
}
