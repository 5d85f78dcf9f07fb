import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../shared/limits.ts';
import { type TestEdge, TestService } from './testing/test-service.ts';
import type { TestUser } from './testing/test-user.ts';

const PACKET_MS = 20;
const CHANNEL = 'zato01';
const PACKETS_PER_SECOND = 50;
/** More than a user needs who comes, is counted, and goes on until a clock that was set is believed. */
const ROOM_MS = 30_000;

vi.setConfig({ testTimeout: 300_000 });

let service: TestService;
let folder: string;
let clockFile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clock-'));
  clockFile = join(folder, 'shift-ms');
});
afterEach(async () => {
  await service.close();
  await rm(folder, { recursive: true });
});

/** Sets the wall clock of all processes, so much ahead of ours. */
async function setClock(shiftMs: number): Promise<void> {
  await writeFile(`${clockFile}.new`, String(shiftMs));
  await rename(`${clockFile}.new`, clockFile);
}

async function start(shiftMs: number, flushMs: number): Promise<void> {
  await setClock(shiftMs);
  service = await TestService.start({
    CLOCK_SHIFT_FILE: clockFile,
    USAGE_FLUSH_MS: String(flushMs),
  });
  await service.register('one');
  service.source.play(CHANNEL, PACKETS_PER_SECOND);
}

/** The user watches on for so long, and it is stored. */
async function watchOn(user: TestUser, ms: number): Promise<void> {
  const untilMs = user.packets * PACKET_MS + ms;
  await service.eventually(() => service.storedMs(user.id)).toBeGreaterThan(untilMs);
}

/** A clock that is so much ahead of ours has ROOM_MS left in its minute. */
async function roomInMinute(shiftMs: number): Promise<void> {
  const leftMs = MINUTE_MS - ((Date.now() + shiftMs) % MINUTE_MS);
  if (leftMs < ROOM_MS) await sleep(leftMs + 1000);
}

/** The edge node has followed its clock that was set. */
async function believed({ process }: TestEdge): Promise<void> {
  const steps = () => process.log.filter(({ msg }) => msg.includes('the system clock jumped'));
  await service.eventually(() => steps().length).toBeGreaterThan(0);
}

/** All packets that the user has are told, to the second. */
async function expectTold({ id, packets }: TestUser): Promise<void> {
  const seconds = Math.floor((packets * PACKET_MS) / 1000);
  await service.eventually(() => service.usage(id)).toEqual({ [CHANNEL]: seconds });
}

describe('a wall clock that is set under a running service', () => {
  test('25 h ahead for a second: no row is lost, none is filed under a wrong day', async () => {
    await start(0, 500);
    const edge = await service.startEdge();
    const [user] = (await service.watch(edge, CHANNEL, 'one')) as [TestUser];
    await watchOn(user, 1000);
    await setClock(25 * HOUR_MS);
    await sleep(1000);
    await setClock(0);
    await watchOn(user, 1000);
    await service.runDry(user);
    await service.leave(edge, user);
    await service.eventually(() => service.storedMs('one')).toBe(user.packets * PACKET_MS);
    await expectTold(user);
  });

  test.each([
    ['30 h behind, then right', -30 * HOUR_MS],
    ['2 h behind, then right', -2 * HOUR_MS],
    ['2 h ahead, then right', 2 * HOUR_MS],
  ])('%s: /usage tells all that was watched, once', async (_, shiftMs) => {
    // A minute that ended under the wrong date and was stored is told no more: so none ends here.
    const alignMs = 5000 - (Date.now() % MINUTE_MS);
    await start(shiftMs + alignMs, 1000);
    const edge = await service.startEdge();
    await roomInMinute(alignMs);
    const [user] = (await service.watch(edge, CHANNEL, 'one')) as [TestUser];
    const rowsSaved = async () => (await service.status(edge)).store.usage.rowsSaved;
    await service.eventually(rowsSaved).toBeGreaterThan(1);
    await setClock(alignMs);
    await believed(edge);
    await watchOn(user, 3000);
    await service.runDry(user);
    await service.leave(edge, user);
    await expectTold(user);
  });

  test('hours to and fro: no request fails', async () => {
    await start(0, 500);
    const statuses = new Map<number, number>();
    const rounds = new Map<string, number>();
    let isOver = false;
    const ask = async (user: string) => {
      for (let round = 0; !isOver; round += 1) {
        rounds.set(user, round);
        for (const status of [
          await service.statusOf('POST', '/register', user),
          await service.statusOf('GET', `/usage/${user}`),
        ]) {
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      }
    };
    const asking = ['a', 'b', 'c', 'd'].map(ask);
    for (const shiftMs of [HOUR_MS, -HOUR_MS, 25 * HOUR_MS, 0]) {
      await setClock(shiftMs);
      await sleep(500);
      // Of whoever asks, one round more was asked from its beginning to its end under this time.
      const until = Math.max(...rounds.values()) + 2;
      await service.eventually(() => Math.min(...rounds.values())).toBeGreaterThanOrEqual(until);
    }
    isOver = true;
    await Promise.all(asking);
    expect([...statuses.keys()]).toEqual([200]);
  });
});
