import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MINUTE_MS, STORE_TIMEOUT_MS } from '../../shared/limits.ts';
import { PACKET_MS } from './testing/edge.ts';
import { pass, Rig, watch, watchers } from './testing/rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.end());

describe('while all is well', () => {
  test('a watching user costs at most one row an interval, the ended minute and the new one included', async () => {
    const edge = await rig.start();
    const users = watchers(edge, 100);
    await watch(users, 2 * MINUTE_MS);
    const before = rig.store.calls.flat().length;
    await watch(users, 10 * MINUTE_MS);
    const rows = rig.store.calls.flat().length - before;
    expect(rows).toBeLessThanOrEqual(100 * 10 * 12);
    expect(rows).toBeGreaterThanOrEqual(100 * 10 * 11);
    expect(rig.folder.files.size).toBe(0);
  });

  test('rows trickle: no moment of a round takes many more than its share of the users', async () => {
    const edge = await rig.start();
    const users = watchers(edge, 2000);
    await watch(users, 20_000);
    rig.store.calls.length = 0;
    let most = 0;
    for (let at = 0; at < 5000; at += 100) {
      const before = rig.store.calls.flat().length;
      for (const tally of users) tally.add(5);
      await pass(100);
      most = Math.max(most, rig.store.calls.flat().length - before);
    }
    expect(most).toBeLessThan(3 * (2000 / 50));
  });

  test('what is stored lags by no more than a round', async () => {
    const edge = await rig.start();
    const counted = await watch([edge.open('user-1')], 90_000);
    expect(rig.store.totalMs()).toBeGreaterThan(counted - 6000);
  });

  test('sessions of one user and channel share their rows; other channels have their own', async () => {
    const edge = await rig.start();
    const tallies = [edge.open('user-1'), edge.open('user-1'), edge.open('user-1', 'zato02')];
    for (const tally of tallies) tally.add(50);
    tallies[0]?.close();
    edge.open('user-1').add(1);
    await rig.stop(edge);
    const found = rig.store.rows.map(({ channelId, deliveredMs }) => [channelId, deliveredMs]);
    expect(found.sort()).toEqual([
      ['zato01', 101 * PACKET_MS],
      ['zato02', 50 * PACKET_MS],
    ]);
  });

  test('an ended session is stored at once, and its row goes on when the user comes back', async () => {
    const edge = await rig.start();
    const first = edge.open('user-1');
    first.add(50);
    first.close();
    await pass(200);
    expect(rig.store.totalMs()).toBe(50 * PACKET_MS);
    const second = edge.open('user-1');
    second.add(10);
    second.close();
    await pass(200);
    expect(rig.store.rows.map((row) => row.deliveredMs)).toEqual([60 * PACKET_MS]);
  });

  test("packets count in the minute they are taken in; a row is final only after its minute's end", async () => {
    const edge = await rig.start();
    const tally = edge.open('user-1');
    await pass(MINUTE_MS - 500);
    tally.add(10);
    await pass(1000);
    tally.add(3);
    await pass(2 * MINUTE_MS);
    expect(rig.store.rows.map(({ minute, deliveredMs }) => [minute, deliveredMs])).toEqual([
      [29_000_000, 10 * PACKET_MS],
      [29_000_001, 3 * PACKET_MS],
    ]);
    const greatest = new Map(rig.store.rows.map((row) => [row.minute, row.deliveredMs]));
    for (const row of rig.store.calls.flat().filter((row) => row.final)) {
      expect(row.deliveredMs).toBe(greatest.get(row.minute));
    }
  });

  test('from a minute on, only ended rows are written', async () => {
    const edge = await rig.start({ USAGE_FLUSH_MS: '60000' });
    const tally = edge.open('user-1');
    await watch([tally], MINUTE_MS);
    expect(rig.store.calls).toEqual([]);
    await watch([tally], 30_000);
    expect(rig.store.rows.map((row) => row.deliveredMs)).toEqual([MINUTE_MS]);
    tally.close();
    await pass(200);
    expect(rig.store.totalMs()).toBe(90_000);
    expect(rig.store.calls.flat().filter((row) => row.final)).toHaveLength(1);
  });
});

describe('a stop', () => {
  test('stores what the meter has counted, and leaves no file', async () => {
    const edge = await rig.start();
    for (const tally of watchers(edge, 500)) tally.add(7);
    await rig.stop(edge);
    expect(rig.store.totalMs()).toBe(500 * 7 * PACKET_MS);
    expect(rig.folder.files.size).toBe(0);
  });

  test('gives a hanging store its time, then spools; a next life stores it', async () => {
    const edge = await rig.start();
    rig.store.mode = 'hanging';
    for (const tally of watchers(edge, 500)) tally.add(7);
    let isDone = false;
    const stop = edge.writer.stop().then(() => {
      isDone = true;
    });
    await pass(STORE_TIMEOUT_MS + 1000);
    expect(isDone).toBe(true);
    await stop;
    edge.kill();
    rig.store.mode = 'up';
    await rig.start();
    await pass(1000);
    expect(rig.store.totalMs()).toBe(500 * 7 * PACKET_MS);
    expect(rig.folder.files.size).toBe(0);
  });

  test.each(['kill', 'stop'] as const)(
    'with the store away and the disk full since some seconds: a %s loses those seconds and no more',
    async (how) => {
      const first = await rig.start();
      rig.store.mode = 'failing';
      const users = watchers(first, 20);
      const durable = await watch(users, 40_000);
      rig.folder.isWritable = false;
      const after = await watch(users, 6000);
      if (how === 'kill') first.kill();
      else await rig.stop(first);
      const { msLost, rowsWithoutRoom } = first.writer.stats;
      rig.folder.isWritable = true;
      rig.store.mode = 'up';
      await rig.start();
      await pass(MINUTE_MS);
      const stored = rig.store.totalMs();
      expect(stored).toBeGreaterThan(20 * (durable - 10_000));
      if (how === 'stop') {
        expect(rowsWithoutRoom).toBe(20);
        expect(stored + msLost).toBe(20 * (durable + after));
      }
    },
  );

  test('with neither store nor spool says how much it loses', async () => {
    const edge = await rig.start();
    rig.store.mode = 'failing';
    rig.folder.isWritable = false;
    for (const tally of watchers(edge, 5)) tally.add(7);
    await rig.stop(edge);
    expect(edge.writer.stats).toMatchObject({ rowsWithoutRoom: 5, msLost: 5 * 7 * PACKET_MS });
    expect(edge.log).toContainEqual(
      expect.stringMatching(/^usage LOST for good: USAGE_MAX_PENDING_ROWS/),
    );
  });
});
