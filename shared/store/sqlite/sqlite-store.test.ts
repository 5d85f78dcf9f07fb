import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoreSetupError } from '../../errors.ts';
import type { Minute, UserId, WriterId } from '../../ids.ts';
import { firstLivingMinute } from '../row-life.ts';
import { usageRow as row } from '../testing/usage-row.ts';
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
  expect(await store.readUsage(USER, 0 as Minute)).toHaveLength(1);
  await store.close();
});

test('a save is whole or not at all', async () => {
  const store = await openSqlite({ path });
  const bad = row({ deliveredMs: 'much' as unknown as number });
  await expect(store.saveUsage([row({}), bad])).rejects.toThrow();
  expect(await store.readUsage(USER, 0 as Minute)).toEqual([]);
  await store.saveUsage([row({})]);
  await store.close();
});

test('expired rows are deleted with later saves, a bounded number at a time', async () => {
  const now = Date.now();
  const past = await openSqlite({ path, now: () => now - 3_600_000 });
  const expired = (firstLivingMinute(now) - 1) as Minute;
  await past.saveUsage(
    Array.from({ length: 5 }, (_, i) => row({ minute: expired, writerId: `${i}` as WriterId })),
  );
  await past.close();
  const store = await openSqlite({ path, now: () => now });
  const inspector = new DatabaseSync(path);
  const count = inspector.prepare('SELECT count(*) AS rows FROM usage');
  const left: unknown[] = [];
  for (let save = 0; save < 4; save++) {
    await store.saveUsage([row({})]);
    left.push(count.get()?.rows);
  }
  expect(left).toEqual([4, 2, 1, 1]);
  inspector.close();
  await store.close();
});

test('what was confirmed is there for the next process', async () => {
  const first = await openSqlite({ path });
  await first.register(USER);
  await first.saveUsage([row({ deliveredMs: 60 })]);
  await first.close();
  const second = await openSqlite({ path });
  expect(await second.isRegistered(USER)).toBe(true);
  expect(await second.readUsage(USER, 0 as Minute)).toMatchObject([{ deliveredMs: 60 }]);
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
  const opening = openSqlite({ path });
  await expect(opening).rejects.toBeInstanceOf(StoreSetupError);
  await expect(opening).rejects.toThrow(/^SQLITE_PATH=.* cannot be opened: .+$/);
});
