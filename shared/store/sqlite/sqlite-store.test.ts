import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { StoreSetupError } from '../../errors.ts';
import { hourOf, type Minute, minuteOf, type UserId, type WriterId } from '../../ids.ts';
import { firstLivingMinute } from '../row-life.ts';
import type { Store } from '../store.ts';
import { usageRow as row } from '../testing/usage-row.ts';
import { sqlite } from './engine.ts';
import { openSqlite } from './sqlite-store.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'store-sqlite-'));
  path = join(folder, 'store.db');
});
afterEach(() => rm(folder, { recursive: true }));

const USER = 'user' as UserId;

test('while another process holds the lock, saves reject, reads go on and the event loop is free', async () => {
  const store = await openSqlite({ path });
  await store.register(USER);
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  let turns = 0;
  const ticker = setInterval(() => turns++, 10);
  const saves = Promise.allSettled(Array.from({ length: 20 }, () => store.register(USER)));
  for (let i = 0; i < 100; i++) expect(await store.isRegistered(USER)).toBe(true);
  const outcomes = await saves;
  clearInterval(ticker);
  expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
  // Blocked for its busy timeout, a loop would have turned but once or twice.
  expect(turns).toBeGreaterThan(10);
  other.exec('COMMIT');
  other.close();
  await store.saveUsage([row({})]);
  expect(await store.readUsage(USER, 0 as Minute)).toMatchObject([{ laterMs: 20 }]);
  await store.close();
});

describe('expired rows', () => {
  const MINUTE_MS = 60_000;
  const HOUR_MS = 60 * MINUTE_MS;
  const start = Date.now();
  let now = start;
  let inspector: DatabaseSync;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  });
  afterEach(() => {
    inspector.close();
    vi.useRealTimers();
  });
  const count = () => inspector.prepare('SELECT count(*) AS rows FROM usage').get()?.rows;
  const rows = (minute: Minute) =>
    Array.from({ length: 3_000 }, (_, i) => row({ minute, writerId: `${i}` as WriterId }));

  /** A file with 3,000 rows of the minute, opened by a clock that is ahead. */
  async function open(minute: Minute, aheadMs = 0) {
    now = start - HOUR_MS;
    const past = await openSqlite({ path, now: () => now });
    await past.saveUsage(rows(minute));
    await past.close();
    inspector = new DatabaseSync(path);
    now = start + aheadMs;
    return openSqlite({ path, now: () => now });
  }

  /** Each minute's sweep has come to its end where a later write has. */
  async function pass(store: Store, minutes: number) {
    for (let minute = 0; minute < minutes; minute += 1) {
      vi.advanceTimersByTime(MINUTE_MS);
      await store.register(USER);
    }
  }

  test('leave the file without saves, however many they are, after an hour', async () => {
    const store = await open((firstLivingMinute(start) - 1) as Minute);
    await pass(store, 59);
    expect(count()).toBe(3_000);
    await pass(store, 1);
    await vi.waitFor(() => expect(count()).toBe(0), { timeout: 20_000 });
    await store.saveUsage(rows(minuteOf(start)));
    now += 26 * HOUR_MS;
    await pass(store, 60);
    await vi.waitFor(() => expect(count()).toBe(0), { timeout: 20_000 });
    await store.close();
  });

  test('by a clock that is 30 h ahead, at a start and later, are there once it is put right', async () => {
    const store = await open(minuteOf(start), 30 * HOUR_MS);
    for (let time = 0; time < 3; time += 1) {
      now = start + 30 * HOUR_MS;
      await pass(store, 50);
      now = start;
      await pass(store, 20);
    }
    expect(count()).toBe(3_000);
    await store.close();
  });
});

test('stores that are closed have written their logs back: each is one file', async () => {
  const closeAgainAndAgain = async (name: string) => {
    for (let round = 0; round < 8; round++) {
      const store = await openSqlite({ path: join(folder, name, 'store.db') });
      await store.register(`user-${round}` as UserId);
      await store.close();
      expect(await readdir(join(folder, name))).toEqual(['store.db']);
    }
  };
  await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(closeAgainAndAgain));
});

test('a thread that dies loses the store, and fails what it was asked', async () => {
  const post = vi.spyOn(Worker.prototype, 'postMessage');
  const lost = vi.fn();
  const store = await openSqlite({ path, lost });
  const [thread] = post.mock.contexts as Worker[];
  post.mockRestore();
  await thread?.terminate();
  expect(lost).toHaveBeenCalledTimes(1);
  await expect(store.register(USER)).rejects.toThrow();
  await store.close();
});

describe('a file that is changed under an open store', () => {
  const whole = ['', '-wal', '-shm'];
  const cases: readonly (readonly [string, () => Promise<void>])[] = [
    ['deleted', () => Promise.all(whole.map((end) => rm(path + end))).then(() => {})],
    [
      'whose log is deleted',
      () => Promise.all(['-wal', '-shm'].map((end) => rm(path + end))).then(() => {}),
    ],
    ['replaced by a backup', () => rename(`${path}.backup`, path)],
  ];
  test.each(cases)(
    '%s: nothing is confirmed or answered, and what is opened anew is whole',
    async (_, change) => {
      const backup = await openSqlite({ path: `${path}.backup` });
      await backup.register('of-backup' as UserId);
      await backup.close();
      const lost = vi.fn();
      const store = await openSqlite({ path, lost });
      await store.register(USER);
      await change();
      const calls = await Promise.allSettled([
        store.register('late' as UserId),
        store.isRegistered(USER),
        store.saveUsage([row({})]),
        store.readUsage(USER, 0 as Minute),
      ]);
      expect(calls.map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
      expect(lost).toHaveBeenCalled();
      expect(String(lost.mock.calls[0]?.[0])).toContain('deleted or replaced while it was open');
      await store.close();
      const again = await openSqlite({ path });
      await again.register('late' as UserId);
      await again.saveUsage([row({ deliveredMs: 60 })]);
      await again.close();
      const file = new DatabaseSync(path);
      expect(file.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
      file.close();
      const last = await openSqlite({ path });
      expect(await last.isRegistered('late' as UserId)).toBe(true);
      expect(await last.readUsage(USER, 0 as Minute)).toMatchObject([{ laterMs: 60 }]);
      await last.close();
    },
  );

  test('overwritten with what is no database: it is lost', async () => {
    const lost = vi.fn();
    const store = await openSqlite({ path, lost });
    await store.register(USER);
    await store.close();
    const other = await openSqlite({ path, lost });
    await writeFile(path, 'x'.repeat(8192));
    await expect(other.isRegistered(USER)).rejects.toThrow();
    expect(lost).toHaveBeenCalled();
    await other.close();
  });
});

test('a user with very many rows delays nobody, and is summed', async () => {
  const store = await openSqlite({ path });
  const minute = minuteOf(Date.now());
  for (let call = 0; call < 60; call++) {
    await store.saveUsage(
      Array.from({ length: 1_000 }, (_, i) =>
        row({ minute, writerId: `${call}-${i}` as WriterId, deliveredMs: 1 }),
      ),
    );
  }
  let isDone = false;
  const heavy = store.readUsage(USER, 0 as Minute).finally(() => {
    isDone = true;
  });
  // Pages of a reading and look-ups take turns, so some of these are answered before it ends.
  let answered = 0;
  for (let i = 0; i < 5; i++) {
    await store.isRegistered(USER);
    if (!isDone) answered += 1;
  }
  expect(answered).toBe(5);
  expect(await heavy).toEqual([
    { hour: hourOf(minute), channelId: 'zato01', firstMs: 0, laterMs: 60_000 },
  ]);
  await store.close();
});

test('what was confirmed is there for the next process', async () => {
  const first = await openSqlite({ path });
  await first.register(USER);
  await first.saveUsage([row({ deliveredMs: 60 })]);
  await first.close();
  const second = await openSqlite({ path });
  expect(await second.isRegistered(USER)).toBe(true);
  expect(await second.readUsage(USER, 0 as Minute)).toMatchObject([{ laterMs: 60 }]);
  await second.close();
});

test('many processes may make the same new file at once', async () => {
  const stores = await Promise.all(Array.from({ length: 6 }, () => openSqlite({ path })));
  await Promise.all(stores.map((store, i) => store.register(`user-${i}` as UserId)));
  for (let i = 0; i < 6; i++)
    expect(await stores[0]?.isRegistered(`user-${i}` as UserId)).toBe(true);
  await Promise.all(stores.map((store) => store.close()));
});

test.each([
  ['a file that is no database', async () => writeFile(path, 'x'.repeat(4096))],
  [
    'a schema of another version',
    async () => {
      const database = new DatabaseSync(path);
      database.exec('PRAGMA user_version = 99');
      database.close();
    },
  ],
  [
    'a folder that cannot be made',
    async () => {
      await writeFile(join(folder, 'file'), '');
      path = join(folder, 'file', 'store.db');
    },
  ],
])('%s is one clear error that names the setting', async (_, spoil) => {
  await spoil();
  const opening = sqlite.open({ SQLITE_PATH: path });
  await expect(opening).rejects.toBeInstanceOf(StoreSetupError);
  await expect(opening).rejects.toThrow(/^SQLITE_PATH=.* cannot be opened: .+$/);
});
