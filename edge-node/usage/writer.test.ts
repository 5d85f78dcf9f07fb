import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MINUTE_MS, STORE_SAVE_TIMEOUT_MS, STORE_TIMEOUT_MS } from '../../shared/limits.ts';
import type { UsageTally } from './meter.ts';
import { Edge, PACKET_MS } from './testing/edge.ts';
import { MemoryFolder } from './testing/memory-folder.ts';
import { MemoryStore } from './testing/memory-store.ts';

let store: MemoryStore;
let folder: MemoryFolder;

beforeEach(() => {
  vi.useFakeTimers({ now: 29_000_000 * MINUTE_MS });
  store = new MemoryStore();
  folder = new MemoryFolder();
});
afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
});

async function started(settings: Record<string, string> = {}): Promise<Edge> {
  const edge = new Edge({ store, folder, settings });
  await edge.writer.start();
  return edge;
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** Each tally gets a packet every PACKET_MS × 25, for `ms`. Returns what each has counted. */
async function watch(tallies: readonly UsageTally[], ms: number): Promise<number> {
  for (let at = 0; at < ms; at += 500) {
    for (const tally of tallies) tally.add(25);
    await pass(500);
  }
  return ms;
}

async function stopped(edge: Edge): Promise<void> {
  const stop = edge.writer.stop();
  await pass(60_000);
  await stop;
}

const watchers = (edge: Edge, count: number) =>
  Array.from({ length: count }, (_, i) => edge.open(`user-${i}`));

describe('while all is well', () => {
  test('a watching user costs at most one row an interval, the ended minute and the new one included', async () => {
    const edge = await started();
    const users = watchers(edge, 100);
    await watch(users, 2 * MINUTE_MS);
    const before = store.calls.flat().length;
    await watch(users, 10 * MINUTE_MS);
    const rows = store.calls.flat().length - before;
    expect(rows).toBeLessThanOrEqual(100 * 10 * 12);
    expect(rows).toBeGreaterThanOrEqual(100 * 10 * 11);
    expect(folder.files.size).toBe(0);
  });

  test('rows trickle: no moment of a round takes many more than its share of the users', async () => {
    const edge = await started();
    const users = watchers(edge, 2000);
    await watch(users, 20_000);
    store.calls.length = 0;
    let most = 0;
    for (let at = 0; at < 5000; at += 100) {
      const before = store.calls.flat().length;
      for (const tally of users) tally.add(5);
      await pass(100);
      most = Math.max(most, store.calls.flat().length - before);
    }
    expect(most).toBeLessThan(3 * (2000 / 50));
  });

  test('what is stored lags by no more than a round', async () => {
    const edge = await started();
    const counted = await watch([edge.open('user-1')], 90_000);
    expect(store.totalMs()).toBeGreaterThan(counted - 6000);
  });

  test('sessions of one user and channel share their rows; other channels have their own', async () => {
    const edge = await started();
    const tallies = [edge.open('user-1'), edge.open('user-1'), edge.open('user-1', 'zato02')];
    for (const tally of tallies) tally.add(50);
    tallies[0]?.close();
    edge.open('user-1').add(1);
    await stopped(edge);
    const found = store.rows.map(({ channelId, deliveredMs }) => [channelId, deliveredMs]);
    expect(found.sort()).toEqual([
      ['zato01', 101 * PACKET_MS],
      ['zato02', 50 * PACKET_MS],
    ]);
  });

  test('an ended session is stored at once, and its row goes on when the user comes back', async () => {
    const edge = await started();
    const first = edge.open('user-1');
    first.add(50);
    first.close();
    await pass(200);
    expect(store.totalMs()).toBe(50 * PACKET_MS);
    const second = edge.open('user-1');
    second.add(10);
    second.close();
    await pass(200);
    expect(store.rows.map((row) => row.deliveredMs)).toEqual([60 * PACKET_MS]);
  });

  test("packets count in the minute they are taken in; a row is final only after its minute's end", async () => {
    const edge = await started();
    const tally = edge.open('user-1');
    await pass(MINUTE_MS - 500);
    tally.add(10);
    await pass(1000);
    tally.add(3);
    await pass(2 * MINUTE_MS);
    expect(store.rows.map(({ minute, deliveredMs }) => [minute, deliveredMs])).toEqual([
      [29_000_000, 10 * PACKET_MS],
      [29_000_001, 3 * PACKET_MS],
    ]);
    const greatest = new Map(store.rows.map((row) => [row.minute, row.deliveredMs]));
    for (const row of store.calls.flat().filter((row) => row.final)) {
      expect(row.deliveredMs).toBe(greatest.get(row.minute));
    }
  });

  test('a clock set back moves nothing into an earlier minute', async () => {
    const edge = await started();
    const tally = edge.open('user-1');
    tally.add(1);
    vi.setSystemTime(28_000_000 * MINUTE_MS);
    tally.add(1);
    await stopped(edge);
    expect(store.rows.map((row) => row.minute)).toEqual([29_000_000]);
  });

  test('from a minute on, only ended rows are written', async () => {
    const edge = await started({ USAGE_FLUSH_MS: '60000' });
    const tally = edge.open('user-1');
    await watch([tally], MINUTE_MS);
    expect(store.calls).toEqual([]);
    await watch([tally], 30_000);
    expect(store.rows.map((row) => row.deliveredMs)).toEqual([MINUTE_MS]);
    tally.close();
    await pass(200);
    expect(store.totalMs()).toBe(90_000);
    expect(store.calls.flat().filter((row) => row.final)).toHaveLength(1);
  });
});

describe('while the store is away', () => {
  test.each(['failing', 'hanging'] as const)(
    'a %s store is tried with pauses, one call at a time, told of in one line, and gets all when it is back',
    async (mode) => {
      const edge = await started();
      const users = watchers(edge, 50);
      store.mode = mode;
      const counted = await watch(users, 2 * MINUTE_MS);
      const perCall = mode === 'failing' ? 1000 : STORE_SAVE_TIMEOUT_MS;
      expect(store.calls.length).toBeLessThan((2 * MINUTE_MS) / perCall + 20);
      expect(store.calls.length).toBeGreaterThan(5);
      expect(edge.writer.stats).toMatchObject({ reachable: false, rowsSaved: 0 });
      expect(edge.log).toHaveLength(1);
      store.mode = 'up';
      await pass(STORE_SAVE_TIMEOUT_MS + 4000);
      expect(store.totalMs()).toBe(50 * counted);
      expect(edge.writer.stats).toMatchObject({ reachable: true, pendingRows: 0 });
      expect(folder.files.size).toBe(0);
      expect(edge.log).toHaveLength(2);
    },
  );

  test('a store that comes and goes several times a second is not worth as many lines', async () => {
    const edge = await started();
    const users = watchers(edge, 500);
    for (let i = 0; i < 50; i += 1) {
      store.mode = i % 2 === 0 ? 'failing' : 'up';
      for (const tally of users) tally.add(10);
      await pass(200);
    }
    store.mode = 'up';
    expect(edge.writer.stats.saveFailures).toBeGreaterThan(10);
    expect(edge.log.length).toBeLessThanOrEqual(11);
    await stopped(edge);
    expect(store.totalMs()).toBe(500 * 50 * 10 * PACKET_MS);
  });

  test('a killed process has lost less than two intervals, and its next life stores the rest', async () => {
    const first = await started();
    store.mode = 'failing';
    const counted = await watch(watchers(first, 20), 3 * MINUTE_MS);
    first.kill();
    await started();
    await pass(MINUTE_MS);
    store.mode = 'up';
    await pass(10_000);
    for (const row of store.rows) expect(row.final).toBe(false);
    expect(store.totalMs()).toBeLessThanOrEqual(20 * counted);
    expect(store.totalMs()).toBeGreaterThan(20 * (counted - 10_000));
    expect(folder.files.size).toBe(0);
  });

  test('rows past the bound leave memory for the spool, and come back from it', async () => {
    const edge = await started({ USAGE_MAX_PENDING_ROWS: '1000' });
    const users = watchers(edge, 300);
    store.mode = 'failing';
    const counted = await watch(users, 10 * MINUTE_MS);
    expect(edge.writer.stats.pendingRows).toBeLessThanOrEqual(1000 + 300);
    store.mode = 'up';
    await pass(MINUTE_MS);
    expect(store.totalMs()).toBe(300 * counted);
    expect(edge.writer.stats).toMatchObject({ rowsWithoutRoom: 0, msLost: 0, pendingRows: 0 });
    expect(folder.files.size).toBe(0);
  });

  test('with the spool unwritable too, memory stays bounded and the loss is counted to the packet', async () => {
    const edge = await started({ USAGE_MAX_PENDING_ROWS: '1000' });
    const users = watchers(edge, 300);
    store.mode = 'failing';
    folder.isWritable = false;
    const counted = await watch(users, 10 * MINUTE_MS);
    const { pendingRows, msLost, rowsWithoutRoom } = edge.writer.stats;
    expect(pendingRows).toBeLessThanOrEqual(1000 + 300);
    expect(rowsWithoutRoom).toBeGreaterThan(1000);
    store.mode = 'up';
    await pass(MINUTE_MS);
    expect(store.totalMs() + msLost).toBe(300 * counted);
    const spoolLines = edge.log.filter((line) => line.includes('spool'));
    expect(spoolLines.length).toBeLessThanOrEqual(10 * 60 + 1);
  });

  test('rows that the spool refused go to it once it can be written again', async () => {
    const first = await started();
    store.mode = 'failing';
    folder.isWritable = false;
    for (const tally of watchers(first, 20)) {
      tally.add(50);
      tally.close();
    }
    await pass(10_000);
    expect(first.writer.stats.spool.writeFailures).toBeGreaterThan(0);
    folder.isWritable = true;
    await pass(3000);
    first.kill();
    store.mode = 'up';
    await started();
    await pass(1000);
    expect(store.totalMs()).toBe(20 * 50 * PACKET_MS);
  });

  test('rows that no /usage would count any more are dropped and counted', async () => {
    const edge = await started();
    store.mode = 'failing';
    const tally = edge.open('user-1');
    tally.add(50);
    await pass(24 * 60 * MINUTE_MS);
    expect(edge.writer.stats.rowsTooOld).toBe(0);
    await pass(2 * MINUTE_MS);
    expect(edge.writer.stats).toMatchObject({
      rowsTooOld: 1,
      msLost: 50 * PACKET_MS,
      pendingRows: 0,
    });
    expect(folder.files.size).toBe(0);
  });
});

describe('a stop', () => {
  test('stores what the meter has counted, and leaves no file', async () => {
    const edge = await started();
    for (const tally of watchers(edge, 500)) tally.add(7);
    await stopped(edge);
    expect(store.totalMs()).toBe(500 * 7 * PACKET_MS);
    expect(folder.files.size).toBe(0);
  });

  test('gives a hanging store its time, then spools; a next life stores it', async () => {
    const edge = await started();
    store.mode = 'hanging';
    for (const tally of watchers(edge, 500)) tally.add(7);
    let isDone = false;
    const stop = edge.writer.stop().then(() => {
      isDone = true;
    });
    await pass(STORE_TIMEOUT_MS + 1000);
    expect(isDone).toBe(true);
    await stop;
    edge.kill();
    store.mode = 'up';
    await started();
    await pass(1000);
    expect(store.totalMs()).toBe(500 * 7 * PACKET_MS);
    expect(folder.files.size).toBe(0);
  });

  test('with neither store nor spool says how much it loses', async () => {
    const edge = await started();
    store.mode = 'failing';
    folder.isWritable = false;
    for (const tally of watchers(edge, 5)) tally.add(7);
    await stopped(edge);
    expect(edge.writer.stats).toMatchObject({ rowsWithoutRoom: 5, msLost: 5 * 7 * PACKET_MS });
    expect(edge.log).toContain('usage: rows are lost');
  });
});
