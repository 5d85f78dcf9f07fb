import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WORKER_HUNG_MS } from '../../shared/limits.ts';
import { IS_LONG } from './testing/long.ts';
import { type TestEdge, TestService } from './testing/test-service.ts';
import { TestUser } from './testing/test-user.ts';

const PACKET_MS = 20;
const CHANNEL = 'zato01';
const PACKETS_PER_SECOND = 50;
const FLUSH_MS = 1_000;
const USERS = IS_LONG ? 500 : 60;
const RETRY_MS = 100;
const TEST_TIMEOUT_MS = 120_000;

let service: TestService;
let isOver = false;
beforeEach(() => {
  isOver = false;
});
afterEach(() => {
  isOver = true;
  return service.close();
});

/** What /status says of a worker. */
interface WorkerStatus {
  readonly worker: number;
  readonly pid: number;
  readonly state: string;
  readonly users: number;
}

async function startNode(settings: Readonly<Record<string, string>> = {}): Promise<TestEdge> {
  service = await TestService.start({
    EDGE_WORKERS: '2',
    USAGE_FLUSH_MS: String(FLUSH_MS),
    // A source that plays nothing yet is left alone: each worker connects once.
    SOURCE_SILENCE_MS: '0',
    ...settings,
  });
  const node = await service.startEdge();
  await service.eventually(() => service.source.accepted).toBe(2);
  return node;
}

async function workersOf({ adminPort }: TestEdge): Promise<readonly WorkerStatus[]> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/status`);
  return ((await answer.json()) as { workers: WorkerStatus[] }).workers;
}

const usersOf = async (node: TestEdge) => (await workersOf(node)).map(({ users }) => users);
const usersTotal = (node: TestEdge) => service.metric(node, 'streaming_users');
const newest = () => service.source.newest(CHANNEL);
const isCurrent = ({ lastSequence }: TestUser) => lastSequence === newest();
const namesOf = (count: number) => Array.from({ length: count }, (_, i) => `user-${i}`);

/** An operator finds the user's session, whichever worker has it, and closes it. */
async function closeByOperator({ adminPort }: TestEdge, user: string): Promise<void> {
  const origin = `http://127.0.0.1:${adminPort}`;
  const found = await (await fetch(`${origin}/users/${user}`)).json();
  const { sessions } = found as { sessions: { id: number; user: string }[] };
  expect(sessions.map((session) => session.user)).toEqual([user]);
  const closed = await fetch(`${origin}/sessions/${sessions[0]?.id}/close`, { method: 'POST' });
  expect(closed.status).toBe(204);
}

/** Connects again whenever the connection ends: who comes while its worker is dying may be cut off once more. */
async function comeAgain(
  node: TestEdge,
  user: TestUser,
  attempts: Map<string, TestUser[]>,
): Promise<void> {
  for (let last = user; ; ) {
    await last.closed;
    if (isOver) return;
    last = new TestUser(user.id, CHANNEL, node.usersPort);
    attempts.set(user.id, [...(attempts.get(user.id) ?? []), last]);
    await sleep(RETRY_MS);
  }
}

/** Resolves when all that these users had received by now is stored, however late rows are. */
async function storeCatchesUp(users: readonly TestUser[]): Promise<Map<string, number>> {
  const sure = new Map(users.map(({ id, packets }) => [id, packets]));
  const missing = async () => {
    const stored = await Promise.all(users.map(({ id }) => service.storedMs(id)));
    return users.filter(({ id }, i) => (stored[i] ?? 0) < (sure.get(id) ?? 0) * PACKET_MS).length;
  };
  await service.eventually(missing).toBe(0);
  return sure;
}

/** What each user received is what the store holds, to the packet. */
async function expectAccounted(users: readonly TestUser[]): Promise<void> {
  const received = users.map(({ packets }) => packets * PACKET_MS);
  const stored = () => Promise.all(users.map(({ id }) => service.storedMs(id)));
  await service.eventually(stored).toEqual(received);
}

describe('a node of two workers', () => {
  test(
    'spreads its users evenly, and drains all at SIGTERM: each is accounted to the packet',
    async () => {
      const node = await startNode();
      const names = namesOf(USERS);
      await service.register(...names);
      service.source.play(CHANNEL, PACKETS_PER_SECOND);
      const users = await service.watch(node, CHANNEL, ...names);
      const [most = 0, least = 0] = (await usersOf(node)).toSorted((a, b) => b - a);
      expect(most + least).toBe(USERS);
      expect(most - least).toBeLessThanOrEqual(Math.max(3, 0.05 * USERS));
      await service
        .eventually(() => Math.min(...users.map(({ packets }) => packets)))
        .toBeGreaterThan(PACKETS_PER_SECOND);
      await closeByOperator(node, 'user-0');
      await users[0]?.closed;
      expect(await node.process.end('SIGTERM')).toBe(0);
      await Promise.all(users.map(({ closed }) => closed));
      expect(users.filter(({ breaks }) => breaks > 0)).toEqual([]);
      await expectAccounted(users);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'goes on when one is killed: the streams of the others are whole, its users come again, no second counts twice',
    async () => {
      const node = await startNode();
      const names = namesOf(USERS);
      await service.register(...names);
      service.source.play(CHANNEL, PACKETS_PER_SECOND);
      const users = await service.watch(node, CHANNEL, ...names);
      await service
        .eventually(() => Math.min(...users.map(({ packets }) => packets)))
        .toBeGreaterThan(PACKETS_PER_SECOND);
      const sure = await storeCatchesUp(users);
      const [victim] = await workersOf(node);
      process.kill(victim?.pid ?? 0, 'SIGKILL');
      const comers = new Map<string, TestUser[]>();
      for (const user of users) void comeAgain(node, user, comers);
      const latest = () => [...comers.values()].flatMap((attempts) => attempts.slice(-1));
      await service.eventually(() => comers.size).toBe(victim?.users);
      await service
        .eventually(() => latest().filter(({ packets }) => packets === 0).length)
        .toBe(0);
      await service.eventually(() => usersTotal(node)).toBe(USERS);
      await service.eventually(() => service.source.accepted).toBe(3);
      const again = latest();
      const ids = new Set(comers.keys());
      const others = users.filter(({ id }) => !ids.has(id));
      expect(others.length).toBe(USERS - again.length);
      await sleep(2 * FLUSH_MS);
      await service.runDry(...others, ...again);
      expect([...others, ...again].filter(({ breaks }) => breaks > 0)).toEqual([]);
      await expectAccounted(others);
      for (const after of again) {
        const before = users.find(({ id }) => id === after.id);
        const since = (comers.get(after.id) ?? []).reduce((sum, { packets }) => sum + packets, 0);
        const safe = (sure.get(after.id) ?? 0) + since;
        const most = (before?.packets ?? 0) + since;
        const stored = async () => (await service.storedMs(after.id)) / PACKET_MS;
        await service.eventually(stored).toBeGreaterThanOrEqual(safe);
        expect(await stored(), `${after.id} received ${most} packets`).toBeLessThanOrEqual(most);
      }
      const states = async () => (await workersOf(node)).map(({ state }) => state);
      await service.eventually(states).toEqual(['serving', 'serving']);
      expect(await service.metric(node, 'streaming_worker_ends_total')).toBe(1);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'has one set of limits: MAX_USERS and the sessions of a user',
    async () => {
      const node = await startNode({ MAX_USERS: '20', MAX_SESSIONS_PER_USER: '3' });
      await service.register(...namesOf(40), 'many');
      const refusalsOf = (users: readonly TestUser[]) =>
        users.filter((user) => user.refusal !== '');
      // All at once: each worker has at most a half of them.
      const users = namesOf(40).map((name) => new TestUser(name, CHANNEL, node.usersPort));
      await service.eventually(() => refusalsOf(users).length).toBe(20);
      await service.eventually(() => usersTotal(node)).toBe(20);
      await Promise.all(users.map((user) => user.leave()));
      await service.eventually(() => usersTotal(node)).toBe(0);

      const sessions = namesOf(12).map(() => new TestUser('many', CHANNEL, node.usersPort));
      // The oldest makes room for one of them, wherever it is; then no more in this minute.
      await service.eventually(() => refusalsOf(sessions).length).toBe(8);
      await service.eventually(() => usersTotal(node)).toBe(3);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'counts on in its metrics when a worker has died',
    async () => {
      const node = await startNode();
      await service.register(...namesOf(20));
      const users = await service.watch(node, CHANNEL, ...namesOf(20));
      service.source.send(CHANNEL, 100);
      await service.eventually(() => users.every(({ packets }) => packets === 100)).toBe(true);
      const metric = `streaming_channel_delivered_packets_total{channel="${CHANNEL}"}`;
      const delivered = () => service.metric(node, metric);
      await service.eventually(delivered).toBe(20 * 100);
      const accepted = await service.metric(node, 'streaming_connections_total');
      const [victim] = await workersOf(node);
      process.kill(victim?.pid ?? 0, 'SIGKILL');
      await service.eventually(() => service.source.accepted).toBe(3);
      expect(await service.metric(node, 'streaming_connections_total')).toBe(accepted);
      expect(await delivered()).toBe(20 * 100);
      await service.eventually(() => usersTotal(node)).toBe(20 - (victim?.users ?? 0));
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'tells newcomers that nobody gives out places, and leaves the others alone, while its supervisor stands still',
    async () => {
      const node = await startNode();
      await service.register(...namesOf(12));
      const users = await service.watch(node, CHANNEL, ...namesOf(10));
      service.source.play(CHANNEL, PACKETS_PER_SECOND);
      node.process.signal('SIGSTOP');
      const late = ['user-10', 'user-11'].map(
        (name) => new TestUser(name, CHANNEL, node.usersPort),
      );
      await service.eventually(() => late.every(({ refusal }) => refusal !== '')).toBe(true);
      node.process.signal('SIGCONT');
      // The places that came too late were given back.
      await service.eventually(() => usersTotal(node)).toBe(10);
      const again = await service.watch(node, CHANNEL, 'user-10', 'user-11');
      service.source.pause();
      service.source.send(CHANNEL, PACKETS_PER_SECOND);
      await service.eventually(() => [...users, ...again].every(isCurrent)).toBe(true);
      expect(users.filter(({ breaks }) => breaks > 0)).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );

  // Longer than WORKER_HUNG_MS, so only the long form waits for it.
  if (IS_LONG) {
    test(
      'kills a worker that stands still for 30 s, and puts another in its place',
      async () => {
        const node = await startNode();
        await service.register(...namesOf(10));
        const users = await service.watch(node, CHANNEL, ...namesOf(10));
        const [victim] = await workersOf(node);
        process.kill(victim?.pid ?? 0, 'SIGSTOP');
        const ends = () => service.metric(node, 'streaming_worker_ends_total');
        await expect.poll(ends, { timeout: 2 * WORKER_HUNG_MS, interval: 1_000 }).toBe(1);
        await service.eventually(() => service.source.accepted).toBe(3);
        const again = await service.watch(node, CHANNEL, ...namesOf(victim?.users ?? 0));
        service.source.send(CHANNEL, PACKETS_PER_SECOND);
        await service.eventually(() => again.every(isCurrent)).toBe(true);
        await service.eventually(() => users.filter(isCurrent).length).toBe(10 - again.length);
      },
      TEST_TIMEOUT_MS,
    );
  }
});
