import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadConfig } from '../config.ts';
import { StoreSetupError } from '../errors.ts';
import type { UserId } from '../ids.ts';
import { openStore } from './open-store.ts';

let folder: string;
let path: string;
let lines: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'open-store-'));
  path = join(folder, 'store.db');
  lines = [];
});
afterEach(() => rm(folder, { recursive: true }));

function open() {
  const logger = pino({ level: 'info' }, { write: (line: string) => lines.push(line) });
  return openStore(loadConfig({ STORE: 'sqlite', SQLITE_PATH: path }), logger);
}

test('a store that is away delays no start, is named in the log, and serves once it is back', async () => {
  const other = new DatabaseSync(path);
  other.exec('BEGIN EXCLUSIVE');
  const store = await open();
  const user = 'user-1' as UserId;
  await expect(store.register(user)).rejects.toThrow('the store is away');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(`waiting for the store: STORE=sqlite SQLITE_PATH=${path}`);
  other.exec('COMMIT');
  other.close();
  await vi.waitFor(() => store.register(user), { timeout: 20_000 });
  expect(await store.isRegistered(user)).toBe(true);
  await store.close();
});

test('closing a store that never came ends the wait', async () => {
  const other = new DatabaseSync(path);
  other.exec('BEGIN EXCLUSIVE');
  const store = await open();
  await store.close();
  await expect(store.ping()).rejects.toThrow();
  other.close();
});

test('a store that can never serve is an error at once', async () => {
  await writeFile(path, 'no database'.repeat(1000));
  await expect(open()).rejects.toBeInstanceOf(StoreSetupError);
});
