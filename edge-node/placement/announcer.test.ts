import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../shared/clock.ts';
import { loadConfig } from '../../shared/config.ts';
import { parseAnnouncement } from '../../shared/edges/announcement.ts';
import type { EdgeAddress } from '../../shared/ids.ts';
import { ANNOUNCE_MS, STORE_TIMEOUT_MS } from '../../shared/limits.ts';
import { LogLimiter } from '../../shared/logger.ts';
import { MemoryStore } from '../../shared/testing/memory-store.ts';
import { OwnAdmission } from '../admission/admission.ts';
import { placeLimits } from '../admission/places.ts';
import type { Session } from '../delivery/session.ts';
import type { Connection } from '../delivery/sessions.ts';
import { EdgeNode } from '../edge-node.ts';
import { EdgeRig } from '../testing/edge-rig.ts';
import { Feed } from '../testing/feed.ts';
import { ScriptedSource } from '../testing/scripted-source.ts';
import { Announcer } from './announcer.ts';

afterEach(() => vi.useRealTimers());

async function listed(store: MemoryStore) {
  return (await store.readAnnouncements()).map(parseAnnouncement);
}

test('a node that takes users is listed by the address that is set, and gone once it drains', async () => {
  const rig = await EdgeRig.start({ ADVERTISE_ADDRESS: 'edge-1.example', DRAIN_MS: '200' });
  await rig.eventually(() => listed(rig.store)).toHaveLength(1);
  expect(await listed(rig.store)).toEqual([
    {
      address: `edge-1.example:${rig.usersPort}`,
      watchUrl: rig.watchOrigin.replace('127.0.0.1', 'edge-1.example'),
      load: 0,
      users: 0,
      channels: [],
    },
  ]);
  const users = await rig.watchAll(['user-1', 'user-2'], 'zato01');
  const whenUsersGo = Promise.all(
    users.map(({ socket }) => once(socket, 'end').then(() => listed(rig.store))),
  );
  await rig.stop();
  expect(await whenUsersGo).toEqual([[], []]);
});

test('it tells its users, its channels and its load, and /readyz the load in a header', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const rig = await EdgeRig.start({
    ADVERTISE_ADDRESS: '[2001:db8::7]:19111',
    WATCH_PUBLIC_URL: 'https://tv.example/edge-7',
    MAX_USERS: '4',
  });
  const ready = async () => {
    const answer = await fetch(`${rig.origin}/readyz`);
    return [answer.status, answer.headers.get('endpoint-load-metrics')];
  };
  const users = await rig.watchAll(['user-1', 'user-2'], 'zato01');
  await rig.deliver(new Feed('zato01').make(1), ...users);
  expect(await ready()).toEqual([200, 'TEXT application_utilization=0.5']);
  await rig.watchAll(['user-3', 'user-4'], 'zato01');
  expect(await ready()).toEqual([200, 'TEXT application_utilization=1']);
  vi.advanceTimersByTime(ANNOUNCE_MS);
  await rig
    .eventually(() => listed(rig.store))
    .toEqual([
      {
        address: '[2001:db8::7]:19111',
        watchUrl: 'https://tv.example/edge-7',
        load: 1,
        users: 4,
        channels: ['zato01'],
      },
    ]);
});

test('a node whose address is not set is not listed', async () => {
  const rig = await EdgeRig.start();
  await rig.stop();
  expect(await listed(rig.store)).toEqual([]);
});

test('one of several workers tells how full the node is, not itself', async () => {
  const store = new MemoryStore();
  const source = new ScriptedSource();
  await source.listen();
  const spool = await mkdtemp(join(tmpdir(), 'streaming-announcer-'));
  const config = loadConfig({
    STREAM_PORT: '0',
    WATCH_PORT: '0',
    CHANNEL_SOURCE_HOST: '127.0.0.1',
    CHANNEL_SOURCE_PORT: String(source.port),
    USAGE_SPOOL_DIR: spool,
    DRAIN_MS: '0',
    ADVERTISE_ADDRESS: 'edge-1.example',
  });
  const admission = new OwnAdmission<Session, Connection>(
    placeLimits(config, 10),
    systemClock(),
    () => {},
  );
  const edge = new EdgeNode({
    config,
    store,
    logger: pino({ enabled: false }),
    membership: { workers: 2, admission, load: () => 0.37 },
  });
  await edge.startWorker();
  await expect.poll(() => listed(store)).toMatchObject([{ load: 0.37 }]);
  await edge.stop();
  await source.close();
  await rm(spool, { recursive: true });
});

function alone(store: MemoryStore) {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => lines.push(line) });
  let users = 0;
  const announcer = new Announcer({
    store,
    limiter: new LogLimiter(logger),
    describe: () => ({
      address: '203.0.113.7:9111' as EdgeAddress,
      watchUrl: 'http://203.0.113.7:9113',
      load: 0,
      users: users++,
      channels: [],
    }),
  });
  return { announcer, lines };
}

test('what the store does not take is told, and tried again', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  const store = new MemoryStore();
  store.mode = 'hanging';
  const { announcer, lines } = alone(store);
  announcer.start();
  await vi.advanceTimersByTimeAsync(STORE_TIMEOUT_MS);
  expect(announcer.failures).toBe(1);
  expect(lines.join()).toContain('trying again');
  store.mode = 'up';
  await vi.advanceTimersByTimeAsync(ANNOUNCE_MS - STORE_TIMEOUT_MS);
  expect(await listed(store)).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(3 * ANNOUNCE_MS);
  expect(announcer.failures).toBe(1);
  await announcer.withdraw();
});

test('an announcement under way does not outlast the withdrawal', async () => {
  const store = new MemoryStore();
  store.latencyMs = 20;
  const { announcer } = alone(store);
  announcer.start();
  await announcer.withdraw();
  store.latencyMs = 0;
  expect(await listed(store)).toEqual([]);
});

test('a store that is away holds a stop up no longer than a request may take', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  const store = new MemoryStore();
  const { announcer, lines } = alone(store);
  announcer.start();
  await vi.advanceTimersByTimeAsync(0);
  store.mode = 'hanging';
  const withdrawn = announcer.withdraw();
  await vi.advanceTimersByTimeAsync(STORE_TIMEOUT_MS);
  await withdrawn;
  expect(lines.join()).toContain('could not be taken off');
});
