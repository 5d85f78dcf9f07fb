import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished } from 'vitest';
import { systemClock } from '../../shared/clock.ts';
import { loadConfig, type SettingName } from '../../shared/config.ts';
import { MemoryStore } from '../../shared/testing/memory-store.ts';
import { EdgeNode } from '../edge-node.ts';
import type { FeedPacket } from './feed.ts';
import { bytesOf } from './feed.ts';
import { ScriptedSource } from './scripted-source.ts';
import { ScriptedUser } from './scripted-user.ts';

const WAIT_MS = 60_000;

interface UserStatus {
  readonly id: number;
  readonly user: string;
  readonly channel: string;
  readonly seconds: number;
  readonly skippedPackets: number;
}

type Settings = Partial<Record<SettingName, string>>;

/** An edge node in this process on real sockets, between a scripted source and scripted users. Ends with the test. */
export class EdgeRig {
  readonly source = new ScriptedSource();
  readonly store = new MemoryStore();
  /** Its warnings and errors. */
  readonly lines: string[] = [];
  readonly #users: ScriptedUser[] = [];
  #usersPort = 0;
  #watchPort = 0;
  /** Of its admin port. */
  origin = '';
  #edge: EdgeNode | undefined;

  /** Connected to its source, unless `source` is 'away': then its port refuses. */
  static async start(
    settings: Settings = {},
    source: 'there' | 'away' = 'there',
    clock = systemClock(),
  ) {
    const rig = new EdgeRig();
    await rig.source.listen();
    if (source === 'away') await rig.source.close();
    const spool = await mkdtemp(join(tmpdir(), 'streaming-edge-rig-'));
    const config = loadConfig({
      STREAM_PORT: '0',
      WATCH_PORT: '0',
      ADMIN_PORT: '0',
      CHANNEL_SOURCE_HOST: '127.0.0.1',
      CHANNEL_SOURCE_PORT: String(rig.source.port),
      USAGE_SPOOL_DIR: spool,
      DRAIN_MS: '0',
      SERVER_DRAIN_MS: '0',
      // A scripted source is silent for as long as its test says.
      SOURCE_SILENCE_MS: '0',
      ...settings,
    });
    const edge = new EdgeNode({
      config,
      store: rig.store,
      logger: pino({ level: 'warn' }, { write: (line) => rig.lines.push(line) }),
      clock,
    });
    onTestFinished(async () => {
      for (const { socket } of rig.#users) socket.destroy();
      await rig.stop();
      await rig.source.close();
      await rm(spool, { recursive: true });
    });
    rig.#edge = edge;
    const { users, watch, admin } = await edge.start();
    rig.#usersPort = users.port;
    rig.#watchPort = watch.port;
    rig.origin = `http://127.0.0.1:${admin.port}`;
    if (source === 'there') await rig.connected(1);
    return rig;
  }

  /** Stops the edge node, once. */
  async stop(): Promise<void> {
    const edge = this.#edge;
    this.#edge = undefined;
    await edge?.stop();
  }

  /** A connection, with its line if one is given. */
  connect(line?: string, host?: string): ScriptedUser {
    const user = new ScriptedUser(this.#usersPort, line, host);
    this.#users.push(user);
    return user;
  }

  /** A connection of the test's own making, to either port. */
  connectBy(socket: Socket): ScriptedUser {
    const user = new ScriptedUser(0, undefined, '', socket);
    this.#users.push(user);
    return user;
  }

  get watchPort(): number {
    return this.#watchPort;
  }

  get usersPort(): number {
    return this.#usersPort;
  }

  get watchOrigin(): string {
    return `http://127.0.0.1:${this.#watchPort}`;
  }

  /** A connection to the port of players, with these bytes sent at once. */
  connectHttp(bytes: string): ScriptedUser {
    const user = new ScriptedUser(this.#watchPort);
    user.send(bytes);
    this.#users.push(user);
    return user;
  }

  /** A registered user whose session has begun. */
  async watch(userId: string, channel: string): Promise<ScriptedUser> {
    const [user] = await this.watchAll([userId], channel);
    if (user === undefined) throw new Error('no user');
    return user;
  }

  async watchAll(userIds: readonly string[], channel: string): Promise<ScriptedUser[]> {
    const sessions = await this.metric('users');
    for (const userId of userIds) this.store.registered.add(userId);
    const users = userIds.map((userId) => this.connect(`${userId} ${channel}`));
    await this.eventually(() => this.metric('users')).toBe(sessions + users.length);
    return users;
  }

  /** Waits until the edge node has connected to its source so many times, and is now. */
  async connected(times: number): Promise<void> {
    await this.eventually(() => this.source.connections).toBeGreaterThanOrEqual(times);
    await this.eventually(() => this.metric('source_connected')).toBe(1);
  }

  /** Sends packets and waits until these users have all of it. */
  async deliver(packets: readonly FeedPacket[], ...users: ScriptedUser[]): Promise<void> {
    const bytes = bytesOf(packets).length;
    const expected = users.map((user) => user.receivedBytes + bytes);
    this.source.send(packets);
    await this.eventually(() => users.map((user) => user.receivedBytes)).toEqual(expected);
  }

  /** A metric's value, by its name without prefix: of all its labels together, or where one has this value. */
  async metric(name: string, label?: string): Promise<number> {
    const answer = await fetch(`${this.origin}/metrics`);
    const values = (await answer.text())
      .split('\n')
      .filter(
        (line) => line.startsWith(`streaming_${name} `) || line.startsWith(`streaming_${name}{`),
      )
      .filter((line) => label === undefined || line.includes(`"${label}"`))
      .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
    return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value);
  }

  /** What /status says of a user's sessions. */
  async status(userId: string): Promise<{ readonly users: readonly UserStatus[] }> {
    const answer = await fetch(`${this.origin}/status?user=${userId}`);
    return (await answer.json()) as { users: UserStatus[] };
  }

  /** Packets left out for a user who was too slow. */
  async skippedOf(userId: string): Promise<number[]> {
    const { users } = await this.status(userId);
    return users.map(({ skippedPackets }) => skippedPackets);
  }

  /** Assertions that come true in time. */
  eventually<T>(read: () => T | Promise<T>) {
    return expect.poll(read, { timeout: WAIT_MS, interval: 10 });
  }
}
