import { readdir } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { decodeSpoolFile } from '../../edge-node/usage/spool/spool-file.ts';
import { SpoolFolder } from '../../edge-node/usage/spool/spool-folder.ts';
import type { Minute } from '../../shared/ids.ts';
import { MINUTE_MS } from '../../shared/limits.ts';
import { lockSqlite } from './testing/sqlite-lock.ts';
import { TestService } from './testing/test-service.ts';
import type { TestUser } from './testing/test-user.ts';

const PACKET_MS = 20;
const CHANNEL = 'zato01';
const API_KEY = 'an-api-key-of-at-least-thirty-two-bytes';
const WITH_KEY = { authorization: `Bearer ${API_KEY}` };

let service: TestService;
afterEach(() => service.close());

async function start(): Promise<void> {
  service = await TestService.start({ USAGE_FLUSH_MS: '500', REGISTRATION_TTL_MS: '1000' });
}

/** Functions that the operator has a key for. */
async function operator(): Promise<(user: string) => Promise<number>> {
  const { origin } = await service.startFunctions({ API_KEYS: API_KEY });
  return async (user) => {
    const init = { method: 'DELETE', headers: WITH_KEY };
    return (await fetch(`${origin}/register/${user}`, init)).status;
  };
}

const spoolFiles = () => readdir(service.spoolPath);

/** What the spool holds of a user. */
async function spooledMs(user: string): Promise<number> {
  const folder = new SpoolFolder(service.spoolPath);
  const minutes = new Map<Minute, number>();
  for (const name of (await folder.list()).files) {
    const bytes = await folder.read(name);
    for (const { userId, minute, deliveredMs } of bytes ? decodeSpoolFile(bytes) : []) {
      if (userId === user) minutes.set(minute, Math.max(deliveredMs, minutes.get(minute) ?? 0));
    }
  }
  return [...minutes.values()].reduce((sum, ms) => sum + ms, 0);
}

test('who is unregistered is cut off within REGISTRATION_TTL_MS, and registered again begins from nothing', async () => {
  await start();
  const unregister = await operator();
  const edge = await service.startEdge();
  await service.register('one', 'two');
  const [one, two] = (await service.watch(edge, CHANNEL, 'one', 'two')) as [TestUser, TestUser];
  service.source.play(CHANNEL, 100);
  await service.eventually(() => service.storedMs('one')).toBeGreaterThan(0);
  expect(await unregister('one')).toBe(200);
  await one.closed;
  const closes = () => service.metric(edge, 'streaming_closes_total{reason="unregistered"}');
  await service.eventually(closes).toBe(1);
  await service.eventually(() => service.storedMs('one')).toBe(0);
  await service.register('one');
  expect(await service.usage('one')).toEqual({});
  const [again] = (await service.watch(edge, CHANNEL, 'one')) as [TestUser];
  await service.eventually(() => again.packets).toBeGreaterThan(100);
  service.source.pause();
  // Of all that they received, and of nothing before that.
  for (const user of [again, two]) {
    const uncounted = async () => user.packets * PACKET_MS - (await service.storedMs(user.id));
    await service.eventually(uncounted).toBe(0);
  }
  expect(two.breaks).toBe(0);
}, 240_000);

test('a killed edge node’s spool does not bring back what was deleted', async () => {
  await start();
  const unregister = await operator();
  await service.register('one', 'two');
  const lock = lockSqlite(service.databasePath);
  // What it counts is of minutes that are over.
  const killed = await service.startEdge({ CLOCK_SHIFT_MS: String(-5 * MINUTE_MS) });
  await service.watch(killed, CHANNEL, 'one', 'two');
  service.source.send(CHANNEL, 50);
  for (const user of ['one', 'two']) {
    await service.eventually(() => spooledMs(user)).toBe(50 * PACKET_MS);
  }
  await killed.process.end('SIGKILL');
  expect(await spoolFiles()).not.toEqual([]);
  lock.unlock();
  expect(await unregister('one')).toBe(200);
  await service.register('one');
  await service.startEdge();
  await service.eventually(spoolFiles).toEqual([]);
  expect(await service.usage('two')).toEqual({ [CHANNEL]: 1 });
  expect(await service.usage('one')).toEqual({});
}, 240_000);
