import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../clock.ts';
import { loadConfig } from '../config.ts';
import { StoreSetupError } from '../errors.ts';
import { type Minute, minuteOf, type UserId } from '../ids.ts';
import { openStore } from './open-store.ts';
import { usageRow as row } from './testing/usage-row.ts';

let folder: string;
let path: string;
let lines: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'open-store-'));
  path = join(folder, 'store.db');
  lines = [];
});
afterEach(() => rm(folder, { recursive: true }));

function open(clock?: Clock) {
  const logger = pino({ level: 'info' }, { write: (line: string) => lines.push(line) });
  return openStore(loadConfig({ STORE: 'sqlite', SQLITE_PATH: path }), logger, clock);
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

describe('a wall clock that is set back by three days', () => {
  const THREE_DAYS_MS = 3 * 24 * 3_600_000;
  const USER = row().userId;
  const start = Date.now();
  beforeEach(() => {
    const toFake = ['Date', 'performance', 'setInterval', 'clearInterval'] as const;
    vi.useFakeTimers({ toFake: [...toFake], now: start + THREE_DAYS_MS });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('is followed by the store when it is by the process: what is dated anew is kept', async () => {
    const clock = systemClock();
    const store = await open(clock);
    await vi.advanceTimersByTimeAsync(500);
    vi.setSystemTime(start);
    while (clock.epochMs() > start + THREE_DAYS_MS / 2) await vi.advanceTimersByTimeAsync(100);
    const minute = minuteOf(clock.epochMs());
    expect(await store.saveUsage([row({ minute })])).toEqual([]);
    expect(await store.readUsage(USER, 0 as Minute)).toMatchObject([{ laterMs: 20 }]);
    await store.close();
  });

  test('is followed by a process that asks for nothing: it deletes none of the rows of others', async () => {
    const idle = await open();
    const other = await open({ monotonicMs: () => 0, epochMs: () => start });
    vi.setSystemTime(start);
    await other.saveUsage([row({ minute: minuteOf(start) })]);
    await vi.advanceTimersByTimeAsync(120_000);
    // Its thread answers in order, so this comes after what the timers have asked of it.
    await idle.register(USER);
    expect(await other.readUsage(USER, 0 as Minute)).toMatchObject([{ laterMs: 20 }]);
    await other.close();
    await idle.close();
  });
});
