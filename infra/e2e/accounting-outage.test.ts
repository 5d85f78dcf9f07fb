import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { IS_LONG } from './testing/long.ts';
import { lockSqlite } from './testing/sqlite-lock.ts';
import { type TestEdge, TestService } from './testing/test-service.ts';
import type { TestUser } from './testing/test-user.ts';

const PACKET_MS = 20;
const CHANNEL = 'zato01';
const PACKETS_PER_SECOND = 100;
const FLUSH_MS = IS_LONG ? 5000 : 1000;
/** For disk and a busy machine, on top of what the schedule of rows takes: that leaves a tenth of an interval for them. */
const HELD_UP_MS = IS_LONG ? 0 : 2000;
const KILLS = IS_LONG ? 20 : 4;
const LOCKED_MS = IS_LONG ? 30_000 : 5000;

let service: TestService;
afterEach(() => service.close());

const start = async () => {
  service = await TestService.start({ USAGE_FLUSH_MS: String(FLUSH_MS) });
};

/** Users of a killed edge node, and when it was. */
interface Killed {
  readonly users: readonly TestUser[];
  readonly atMs: number;
}

async function kill(edge: TestEdge, users: readonly TestUser[]): Promise<Killed> {
  const atMs = performance.now();
  expect(await edge.process.end('SIGKILL')).toBe('SIGKILL');
  await Promise.all(users.map((user) => user.closed));
  return { users, atMs };
}

/** Each user lost less than the packets of two intervals (and HELD_UP_MS), and has nothing that it did not receive. */
async function expectLittleLost({ users, atMs }: Killed): Promise<void> {
  for (const user of users) {
    const safeMs = atMs - 2 * FLUSH_MS - HELD_UP_MS;
    const safe = user.arrivalsMs.filter((arrivedMs) => arrivedMs <= safeMs);
    const stored = (await service.storedMs(user.id)) / PACKET_MS;
    const what = `${user.id} received ${user.packets} packets`;
    expect(stored, what).toBeGreaterThanOrEqual(safe.length);
    expect(stored, what).toBeLessThanOrEqual(user.packets);
  }
}

const spoolFiles = () => readdir(service.spoolPath);

describe('an edge node killed at any moment has lost less than two intervals, and counts nothing twice', () => {
  const names = Array.from({ length: KILLS }, (_, life) => [`${life}-a`, `${life}-b`, `${life}-c`]);

  /** Each life has users of its own, so that each is judged alone. */
  async function killAgainAndAgain(): Promise<Killed[]> {
    const lives: Killed[] = [];
    for (const users of names) {
      const edge = await service.startEdge();
      const watching = await service.watch(edge, CHANNEL, ...users);
      await sleep((1 + 2 * Math.random()) * FLUSH_MS + HELD_UP_MS);
      lives.push(await kill(edge, watching));
    }
    return lives;
  }

  test.each(['there', 'away all the time'] as const)(
    'while the store is %s',
    async (store) => {
      await start();
      await service.register(...names.flat());
      service.source.play(CHANNEL, PACKETS_PER_SECOND);
      const lock = store === 'there' ? undefined : lockSqlite(service.databasePath);
      const lives = await killAgainAndAgain();
      service.source.pause();
      lock?.unlock();
      await service.startEdge();
      await service.eventually(spoolFiles).toEqual([]);
      for (const life of lives) await expectLittleLost(life);
    },
    IS_LONG ? 900_000 : 300_000,
  );
});

test('two edge nodes share a spool folder: one that lives on stores what a killed one has left', async () => {
  await start();
  await service.register('one', 'two');
  service.source.play(CHANNEL, PACKETS_PER_SECOND);
  const lock = lockSqlite(service.databasePath);
  const [killed, living] = [await service.startEdge(), await service.startEdge()];
  const [ones, twos] = [
    await service.watch(killed, CHANNEL, 'one'),
    await service.watch(living, CHANNEL, 'two'),
  ];
  for (const edge of [killed, living]) {
    const rowsSpooled = async () => (await service.status(edge)).store.usage.spool.rowsWritten;
    await service.eventually(rowsSpooled).toBeGreaterThan(2);
  }
  const life = await kill(killed, ones);
  lock.unlock();
  service.source.pause();
  await service.eventually(spoolFiles).toEqual([]);
  await expectLittleLost(life);
  for (const user of twos) {
    await service.eventually(() => service.storedMs('two')).toBe(user.packets * PACKET_MS);
  }
}, 240_000);

test('a locked SQLite file holds up no user: packets go on, and all is accounted once it is free', async () => {
  await start();
  await service.register('one');
  const edge = await service.startEdge();
  const [user] = (await service.watch(edge, CHANNEL, 'one')) as [TestUser];
  const failures = async () => (await service.status(edge)).store.usage.saveFailures;
  const lock = lockSqlite(service.databasePath);
  const untilMs = performance.now() + LOCKED_MS;
  // Every failed save has waited a second for the lock: in the loop, it would have held up a packet as long. So there
  // come to be more of them than of packets that a busy machine holds up.
  let slow = 0;
  let sent = 0;
  while (performance.now() < untilMs || (await failures()) <= Math.max(2, slow)) {
    const beganMs = performance.now();
    service.source.send(CHANNEL, 1);
    sent += 1;
    await service.eventually(() => user.packets).toBe(sent);
    if (performance.now() - beganMs > 800) slow += 1;
  }
  lock.unlock();
  await service.eventually(() => service.storedMs('one')).toBe(sent * PACKET_MS);
  expect(await service.usage('one')).toEqual({
    [CHANNEL]: Math.floor((sent * PACKET_MS) / 1000),
  });
  await service.eventually(spoolFiles).toEqual([]);
}, 240_000);
