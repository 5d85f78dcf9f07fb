import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  MINUTE_MS,
  SPOOL_LEASE_MS,
  STORE_SAVE_TIMEOUT_MS,
  USAGE_WINDOW_MS,
} from '../../shared/limits.ts';
import { PACKET_MS } from './testing/edge.ts';
import { pass, Rig, watch, watchers } from './testing/rig.ts';

vi.setConfig({ testTimeout: 120_000 });

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.end());

test('a spool folder that takes no file is told at once and each minute, before it is needed', async () => {
  rig.folder.isWritable = false;
  const edge = await rig.start();
  await pass(1000);
  expect(edge.writer.stats.spool.health).toEqual({
    kind: 'unwritable',
    reason: 'no space left',
  });
  await pass(5 * MINUTE_MS);
  expect(edge.log.filter((line) => line.includes('USAGE_SPOOL_DIR'))).toHaveLength(6);
  rig.folder.isWritable = true;
  await pass(MINUTE_MS);
  expect(edge.writer.stats.spool.health).toEqual({ kind: 'writable' });
  expect(edge.log.at(-1)).toBe('usage: USAGE_SPOOL_DIR can be written again');
});

describe('while the store is away', () => {
  test.each(['failing', 'hanging'] as const)(
    'a %s store is tried with pauses, one call at a time, told of in one line, and gets all when it is back',
    async (mode) => {
      const edge = await rig.start();
      const users = watchers(edge, 50);
      rig.store.mode = mode;
      const counted = await watch(users, 2 * MINUTE_MS);
      const perCall = mode === 'failing' ? 1000 : STORE_SAVE_TIMEOUT_MS;
      expect(rig.store.calls.length).toBeLessThan((2 * MINUTE_MS) / perCall + 20);
      expect(rig.store.calls.length).toBeGreaterThan(5);
      expect(edge.writer.stats).toMatchObject({ reachable: false, rowsSaved: 0 });
      expect(edge.log).toHaveLength(1);
      rig.store.mode = 'up';
      await pass(STORE_SAVE_TIMEOUT_MS + 4000);
      expect(rig.store.totalMs()).toBe(50 * counted);
      expect(edge.writer.stats).toMatchObject({ reachable: true, pendingRows: 0 });
      expect(rig.folder.files.size).toBe(0);
      expect(edge.log).toHaveLength(2);
    },
  );

  test('a store that comes and goes several times a second is not worth as many lines', async () => {
    const edge = await rig.start();
    const users = watchers(edge, 500);
    for (let i = 0; i < 50; i += 1) {
      rig.store.mode = i % 2 === 0 ? 'failing' : 'up';
      for (const tally of users) tally.add(10);
      await pass(200);
    }
    rig.store.mode = 'up';
    expect(edge.writer.stats.saveFailures).toBeGreaterThan(10);
    expect(edge.log.length).toBeLessThanOrEqual(11);
    await rig.stop(edge);
    expect(rig.store.totalMs()).toBe(500 * 50 * 10 * PACKET_MS);
  });

  test('a killed process has lost less than two intervals, and its next life stores the rest', async () => {
    const first = await rig.start();
    rig.store.mode = 'failing';
    const counted = await watch(watchers(first, 20), 3 * MINUTE_MS);
    first.kill();
    await rig.start();
    await pass(MINUTE_MS);
    rig.store.mode = 'up';
    await pass(10_000);
    for (const row of rig.store.rows) expect(row.final).toBe(false);
    expect(rig.store.totalMs()).toBeLessThanOrEqual(20 * counted);
    expect(rig.store.totalMs()).toBeGreaterThan(20 * (counted - 10_000));
    expect(rig.folder.files.size).toBe(0);
  });

  test('rows past the bound leave memory for the spool, and come back from it', async () => {
    const edge = await rig.start({ USAGE_MAX_PENDING_ROWS: '1000' });
    const users = watchers(edge, 300);
    rig.store.mode = 'failing';
    const counted = await watch(users, 10 * MINUTE_MS);
    expect(edge.writer.stats.pendingRows).toBeLessThanOrEqual(1000 + 300);
    rig.store.mode = 'up';
    await pass(MINUTE_MS);
    expect(rig.store.totalMs()).toBe(300 * counted);
    expect(edge.writer.stats).toMatchObject({ rowsWithoutRoom: 0, msLost: 0, pendingRows: 0 });
    expect(rig.folder.files.size).toBe(0);
  });

  test('with the spool unwritable too, memory stays bounded and the loss is counted to the packet', async () => {
    const edge = await rig.start({ USAGE_MAX_PENDING_ROWS: '1000' });
    const users = watchers(edge, 300);
    rig.store.mode = 'failing';
    rig.folder.isWritable = false;
    const counted = await watch(users, 10 * MINUTE_MS);
    const { pendingRows, msLost, rowsWithoutRoom } = edge.writer.stats;
    expect(pendingRows).toBeLessThanOrEqual(1000 + 300);
    expect(rowsWithoutRoom).toBeGreaterThan(1000);
    rig.store.mode = 'up';
    await pass(MINUTE_MS);
    expect(rig.store.totalMs() + msLost).toBe(300 * counted);
    const spoolLines = edge.log.filter((line) => line.includes('spool'));
    expect(spoolLines.length).toBeLessThanOrEqual(11 * 60 + 1);
  });

  test('rows that the spool refused go to it once it can be written again', async () => {
    const first = await rig.start();
    rig.store.mode = 'failing';
    rig.folder.isWritable = false;
    for (const tally of watchers(first, 20)) {
      tally.add(50);
      tally.close();
    }
    await pass(10_000);
    expect(first.writer.stats.spool.writeFailures).toBeGreaterThan(0);
    rig.folder.isWritable = true;
    await pass(3000);
    first.kill();
    rig.store.mode = 'up';
    await rig.start();
    await pass(3 * SPOOL_LEASE_MS);
    expect(rig.store.totalMs()).toBe(20 * 50 * PACKET_MS);
  });

  test("the age of the oldest row is told, in memory, in a file that memory had no room for, in a dead one's", async () => {
    const edge = await rig.start({ USAGE_MAX_PENDING_ROWS: '1000' });
    rig.store.mode = 'failing';
    await watch(watchers(edge, 50), 3 * 60 * MINUTE_MS);
    expect(edge.writer.stats.pendingRows).toBeLessThanOrEqual(1050);
    expect(edge.writer.stats.oldestPendingMs).toBeGreaterThan(3 * 60 * MINUTE_MS - 10_000);
    edge.kill();
    const next = await rig.start();
    await pass(2 * SPOOL_LEASE_MS);
    // Of a file that another life has left, the time of its writing is known.
    expect(next.writer.stats.oldestPendingMs).toBeGreaterThan(3 * 60 * MINUTE_MS - MINUTE_MS);
    rig.store.mode = 'up';
    await pass(MINUTE_MS);
    expect(next.writer.stats.oldestPendingMs).toBe(0);
    expect(rig.folder.files.size).toBe(0);
  });

  test('rows that no /usage would count any more are dropped and counted', async () => {
    const edge = await rig.start();
    rig.store.mode = 'failing';
    const tally = edge.open('user-1');
    tally.add(50);
    vi.setSystemTime(Date.now() + USAGE_WINDOW_MS);
    await pass(5000);
    expect(edge.writer.stats.rowsTooOld).toBe(0);
    await pass(MINUTE_MS);
    expect(edge.writer.stats).toMatchObject({
      rowsTooOld: 1,
      msLost: 50 * PACKET_MS,
      pendingRows: 0,
    });
    expect(rig.folder.files.size).toBe(0);
  });

  test('a row that gets too old while its spool file is written leaves no file, and no sign of life', async () => {
    const edge = await rig.start();
    rig.store.mode = 'failing';
    edge.open('user-1').add(50);
    rig.folder.latencyMs = 2 * MINUTE_MS;
    await pass(MINUTE_MS / 2);
    expect(rig.folder.leases.size).toBe(1);
    vi.setSystemTime(Date.now() + USAGE_WINDOW_MS);
    await pass(MINUTE_MS);
    expect(edge.writer.stats).toMatchObject({ rowsTooOld: 1, pendingRows: 0 });
    expect(edge.writer.stats.spool.rowsWritten).toBe(0);
    await pass(5 * MINUTE_MS);
    expect(edge.writer.stats.spool).toMatchObject({ rowsWritten: 1, files: 0 });
    expect([rig.folder.files.size, rig.folder.leases.size]).toEqual([0, 0]);
  });
});
