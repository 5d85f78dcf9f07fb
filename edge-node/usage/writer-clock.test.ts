import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../shared/clock.ts';
import type { ChannelId, UserId } from '../../shared/ids.ts';
import { CLOCK_STEP_PERSISTS_MS, MINUTE_MS } from '../../shared/limits.ts';
import { livingRows } from '../../shared/store/row-life.ts';
import { UsageSum } from '../../shared/store/usage-sum.ts';
import { firstMinuteOf, secondsByChannel } from '../../shared/usage-window.ts';
import { UsageMeter } from './meter.ts';
import { pass, Rig, watch, watchers } from './testing/rig.ts';
import type { UsageCell } from './usage-cell.ts';

const HOUR_MS = 60 * MINUTE_MS;

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.end());

const step = (ms: number) => vi.setSystemTime(Date.now() + ms);

/** What /usage tells of a user now, in seconds. */
async function told(user: string): Promise<number> {
  const sum = new UsageSum(firstMinuteOf(Date.now()));
  for (const { userId, minute, channelId, deliveredMs } of rig.store.rows) {
    if (userId === user) sum.add(minute, channelId, deliveredMs);
  }
  return secondsByChannel(sum.channels, Date.now()).zato01 ?? 0;
}

describe('a wall clock that is set', () => {
  test('25 h ahead and back a second later changes nothing: no row is dropped, none has a wrong date', async () => {
    const edge = await rig.start();
    const users = watchers(edge, 10);
    rig.store.mode = 'failing';
    const before = await watch(users, 5 * MINUTE_MS);
    step(25 * HOUR_MS);
    await pass(1000);
    step(-25 * HOUR_MS);
    expect(edge.writer.stats).toMatchObject({ rowsTooOld: 0, msLost: 0 });
    rig.store.mode = 'up';
    const after = await watch(users, HOUR_MS);
    await rig.stop(edge);
    expect(rig.store.totalMs()).toBe(10 * (before + after));
    expect(await told('user-1')).toBe((before + after) / 1000);
    const last = Math.max(...rig.store.rows.map((row) => row.minute));
    expect(last).toBeLessThanOrEqual(Date.now() / MINUTE_MS);
  });

  test.each([2, -2])('by %i h for good is followed, and bills nothing twice', async (hours) => {
    const edge = await rig.start();
    const users = watchers(edge, 10);
    const before = await watch(users, 3 * MINUTE_MS + 20_000);
    step(hours * HOUR_MS);
    const after = await watch(users, 3 * MINUTE_MS);
    expect(edge.meter.minute).toBe(Math.floor(Date.now() / MINUTE_MS));
    expect(edge.writerIds).toHaveLength(2);
    await rig.stop(edge);
    expect(rig.store.totalMs()).toBe(10 * (before + after));
    expect(edge.writer.stats.msLost).toBe(0);
  });

  test('back over minutes that were counted in already adds to them, and overwrites none', async () => {
    const edge = await rig.start();
    const users = watchers(edge, 10);
    let counted = await watch(users, 3 * MINUTE_MS);
    for (let back = 0; back < 3; back += 1) {
      step(-2 * MINUTE_MS);
      counted += await watch(users, 2 * MINUTE_MS);
    }
    await rig.stop(edge);
    expect(rig.store.totalMs()).toBe(10 * counted);
  });

  test.each([5000, 60_000])(
    'right after a start 30 h behind: what was watched before is told, too (USAGE_FLUSH_MS=%i)',
    async (flushMs) => {
      step(-30 * HOUR_MS);
      const edge = await rig.start({ USAGE_FLUSH_MS: String(flushMs) });
      const users = watchers(edge, 10);
      const before = await watch(users, 10_000);
      step(30 * HOUR_MS);
      const after = await watch(users, 2 * MINUTE_MS);
      await rig.stop(edge);
      expect(await told('user-1')).toBe((before + after) / 1000);
      expect(edge.writer.stats).toMatchObject({ rowsTooOld: 0, msLost: 0 });
    },
  );

  test('30 h behind while the store was away: the rows that wait are told under the right date', async () => {
    step(-30 * HOUR_MS);
    const edge = await rig.start();
    const users = watchers(edge, 10);
    rig.store.mode = 'failing';
    const before = await watch(users, 10 * MINUTE_MS);
    expect(rig.folder.files.size).toBeGreaterThan(0);
    step(30 * HOUR_MS);
    const after = await watch(users, MINUTE_MS);
    rig.store.mode = 'up';
    await rig.stop(edge);
    expect(await told('user-1')).toBe((before + after) / 1000);
    expect(rig.store.totalMs()).toBe(10 * (before + after));
    expect(rig.folder.files.size).toBe(0);
    expect(edge.writer.stats).toMatchObject({ rowsTooOld: 0, msLost: 0 });
  });

  test('back, and then 30 h ahead while the store is away: minutes that came twice stay apart', async () => {
    step(-30 * HOUR_MS);
    const edge = await rig.start();
    const users = watchers(edge, 10);
    rig.store.mode = 'failing';
    const once = await watch(users, 3 * MINUTE_MS);
    step(-2 * MINUTE_MS);
    const twice = await watch(users, 3 * MINUTE_MS);
    step(30 * HOUR_MS);
    const after = await watch(users, MINUTE_MS);
    rig.store.mode = 'up';
    await rig.stop(edge);
    expect(await told('user-1')).toBe((once + twice + after) / 1000);
    expect(rig.store.totalMs()).toBe(10 * (once + twice + after));
  });

  test.each([30, 300])(
    '%i h ahead for a while and back again bills nothing twice',
    async (hours) => {
      const edge = await rig.start();
      const users = watchers(edge, 10);
      let counted = await watch(users, 5 * MINUTE_MS + 41_000);
      step(hours * HOUR_MS);
      counted += await watch(users, 20_000);
      step(-hours * HOUR_MS);
      counted += await watch(users, 3 * MINUTE_MS);
      await rig.stop(edge);
      expect(edge.meter.minute).toBe(Math.floor(Date.now() / MINUTE_MS));
      expect(edge.writerIds.length).toBeGreaterThanOrEqual(3);
      for (const user of ['user-1', 'user-7']) expect(await told(user)).toBe(counted / 1000);
      expect(edge.writer.stats).toMatchObject({ rowsTooOld: 0, msLost: 0 });
    },
  );

  test('at a start 30 h ahead, put right later: what the last process has spooled is told', async () => {
    const killed = await rig.start();
    rig.store.mode = 'failing';
    const before = await watch(watchers(killed, 10), 10 * MINUTE_MS);
    await pass(MINUTE_MS);
    killed.kill();
    step(30 * HOUR_MS);
    rig.store.mode = 'up';
    const edge = await rig.start();
    await pass(10 * MINUTE_MS);
    step(-30 * HOUR_MS);
    await pass(20 * MINUTE_MS);
    await rig.stop(edge);
    expect(await told('user-1')).toBe(before / 1000);
    expect(rig.folder.files.size).toBe(0);
    expect(edge.writer.stats.spool.rowsTooOld).toBe(0);
  });

  /** A clock that steps 30 h ahead at the reading after so many more, once it is armed. */
  function steppingClock() {
    const clock = systemClock();
    const step = { readings: Number.POSITIVE_INFINITY };
    const epochMs = () => {
      step.readings -= 1;
      return clock.epochMs() + (step.readings < 0 ? 30 * HOUR_MS : 0);
    };
    return { step, clock: { monotonicMs: clock.monotonicMs, epochMs } };
  }

  test.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'is followed at whichever reading of a tick it is believed: after %i more',
    async (readings) => {
      const { step, clock } = steppingClock();
      const edge = await rig.start({}, clock);
      const users = watchers(edge, 10);
      rig.store.mode = 'failing';
      const before = await watch(users, 2 * MINUTE_MS + 20_000);
      step.readings = readings;
      const after = await watch(users, MINUTE_MS);
      rig.store.mode = 'up';
      await rig.stop(edge);
      expect(edge.writer.stats).toMatchObject({ rowsTooOld: 0, msLost: 0 });
      expect(rig.store.totalMs()).toBe(10 * (before + after));
    },
  );

  describe('and a store that lets rows go which have expired by it', () => {
    /** What 2,000 users are billed over a step ahead and back, by how much that differs from what they have watched. */
    async function billedTooMuch(arm: (step: { readings: number }) => void): Promise<number> {
      const { step, clock } = steppingClock();
      const save = rig.store.saveUsage.bind(rig.store);
      rig.store.saveUsage = (rows) => {
        looks.store();
        return save(livingRows(rows, clock.epochMs()));
      };
      const edge = await rig.start({}, clock);
      const users = watchers(edge, 2_000);
      let counted = await watch(users, MINUTE_MS + 20_000);
      arm(step);
      counted += await watch(users, 20_000);
      step.readings = Number.POSITIVE_INFINITY;
      counted += await watch(users, MINUTE_MS);
      await rig.stop(edge);
      return rig.store.totalMs() - users.length * counted;
    }
    /** Called right before the store looks at the clock. */
    const looks = { store: () => {} };
    afterEach(() => {
      looks.store = () => {};
    });

    test.each([0, 1, 2, 3, 4, 5, 6, 7])(
      'lose nothing, at whichever reading it is believed: after %i more',
      async (readings) => {
        const more = await billedTooMuch((step) => {
          step.readings = readings;
        });
        expect(more).toBeGreaterThanOrEqual(0);
      },
    );

    test('bill nothing twice where the store is the first to believe it', async () => {
      const more = await billedTooMuch((step) => {
        looks.store = () => {
          step.readings = 0;
          looks.store = () => {};
        };
      });
      expect(more).toBe(0);
    });
  });

  test('is followed where it is noticed while cells are handed on: each has a row of its own', () => {
    const { step, clock } = steppingClock();
    const meter = new UsageMeter({ clock, packetDurationMs: 20 });
    const tally = meter.open('user-1' as UserId, 'zato01' as ChannelId);
    const rows = new Map<string, number>();
    const submit = (cell: UsageCell) => {
      cell.submittedMs = cell.deliveredMs;
      rows.set(`${cell.minute} ${cell.writerId}`, cell.deliveredMs);
    };
    tally.add(50);
    vi.advanceTimersByTime(1000);
    step.readings = 0;
    meter.submitAll(submit);
    tally.add(25);
    meter.submitAll(submit);
    expect([...rows.values()]).toEqual([75 * 20]);
  });

  test('is believed as soon as it has stayed so, and not before', async () => {
    const edge = await rig.start();
    step(HOUR_MS);
    await pass(CLOCK_STEP_PERSISTS_MS - 500);
    expect(edge.meter.minute).toBe(29_000_000);
    await pass(1000);
    expect(edge.meter.minute).toBe(29_000_060);
    expect(edge.log.filter((line) => line.includes('clock'))).toHaveLength(1);
  });

  test('again and again, never for long, is never believed', async () => {
    const edge = await rig.start();
    for (let i = 0; i < 10; i += 1) {
      step(i % 2 === 0 ? HOUR_MS : -HOUR_MS);
      await pass(CLOCK_STEP_PERSISTS_MS - 500);
    }
    expect(edge.meter.minute).toBe(29_000_000);
    expect(edge.writerIds).toHaveLength(1);
  });
});
