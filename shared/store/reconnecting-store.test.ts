import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { StoreSetupError } from '../errors.ts';
import type { UserId } from '../ids.ts';
import { type Connect, openReconnecting } from './reconnecting-store.ts';
import type { Store } from './store.ts';

const USER = 'user' as UserId;

/** A store that only tells whether it is open. */
function fakeStore(): Store & { isClosed: boolean } {
  return {
    isClosed: false,
    register: async () => {},
    isRegistered: async () => true,
    saveUsage: async () => [],
    forgetUsage: async () => false,
    unregister: async () => {},
    readUsage: async () => [],
    announce: async () => {},
    withdraw: async () => {},
    readAnnouncements: async () => [],
    ping: async () => {},
    async close() {
      this.isClosed = true;
    },
  };
}

function silent() {
  const lines: string[] = [];
  return { lines, logger: pino({}, { write: (line: string) => lines.push(line) }) };
}

test('a store that is lost is closed, rejects calls, and is replaced by another', async () => {
  const { lines, logger } = silent();
  const [first, second] = [fakeStore(), fakeStore()];
  const left = [first, second];
  let lose: (reason: Error) => void = () => {};
  const connect: Connect = async (lost) => {
    lose = lost;
    return left.shift() ?? fakeStore();
  };
  const store = await openReconnecting(connect, logger, 'STORE=fake');
  lose(new Error('gone'));
  lose(new Error('gone again'));
  expect(first.isClosed).toBe(true);
  await expect(store.isRegistered(USER)).rejects.toThrow('the store is away');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/"reason":"gone".*waiting for the store: STORE=fake/);
  expect(await vi.waitFor(() => store.isRegistered(USER), { timeout: 10_000 })).toBe(true);
  expect(second.isClosed).toBe(false);
  await store.close();
  expect(second.isClosed).toBe(true);
});

test('a server that refuses at each of its addresses is told with each of the reasons', async () => {
  const { lines, logger } = silent();
  const refusals = ['::1', '127.0.0.1'].map((host) => new Error(`connect ECONNREFUSED ${host}`));
  const refused: Connect = () => Promise.reject(new AggregateError(refusals));
  const store = await openReconnecting(refused, logger, 'STORE=fake');
  expect(lines[0]).toContain('"reason":"connect ECONNREFUSED ::1; connect ECONNREFUSED 127.0.0.1"');
  await store.close();
});

test('a store that is lost while it is being opened never was', async () => {
  const doomed = fakeStore();
  const good = fakeStore();
  let attempts = 0;
  const connect: Connect = async (lost) => {
    attempts += 1;
    if (attempts > 1) return good;
    lost(new Error('gone'));
    return doomed;
  };
  const store = await openReconnecting(connect, silent().logger, 'STORE=fake');
  expect(doomed.isClosed).toBe(true);
  await vi.waitFor(() => store.ping(), { timeout: 10_000 });
  expect(attempts).toBe(2);
  await store.close();
});

test('a mistake in the settings ends a start, and not a process that serves already', async () => {
  const mistake = new StoreSetupError('DB_PASS is wrong');
  const fails: Connect = () => Promise.reject(mistake);
  await expect(openReconnecting(fails, silent().logger, 'STORE=fake')).rejects.toBe(mistake);

  const { lines, logger } = silent();
  const outcomes = [fakeStore(), mistake, fakeStore()];
  let lose: (reason: Error) => void = () => {};
  const connect: Connect = async (lost) => {
    lose = lost;
    const outcome = outcomes.shift();
    if (outcome === undefined || outcome instanceof Error) throw outcome;
    return outcome;
  };
  const store = await openReconnecting(connect, logger, 'STORE=fake');
  lose(new Error('gone'));
  await vi.waitFor(() => store.ping(), { timeout: 10_000 });
  expect(outcomes).toEqual([]);
  expect(lines.at(-1)).toContain('connected to the store: STORE=fake');
  await store.close();
});

test('an attempt that hangs holds up no start, is named, and what it brings late is closed', async () => {
  vi.useFakeTimers();
  const late = fakeStore();
  const { promise, resolve } = Promise.withResolvers<Store>();
  const { lines, logger } = silent();
  const opening = openReconnecting(() => promise, logger, 'STORE=fake');
  await vi.advanceTimersByTimeAsync(15_000);
  const store = await opening;
  expect(lines[0]).toMatch(/no answer within.*waiting for the store: STORE=fake/);
  await expect(store.ping()).rejects.toThrow('the store is away');
  const closing = store.close();
  await vi.advanceTimersByTimeAsync(15_000);
  await closing;
  resolve(late);
  await vi.advanceTimersByTimeAsync(0);
  expect(late.isClosed).toBe(true);
  vi.useRealTimers();
});
