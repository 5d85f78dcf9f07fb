import { describe, expect, it } from 'vitest';
import { PINNED_SHARE } from '../../shared/limits.ts';
import { packetOf } from '../ordering/testing/packets.ts';
import { ChannelLog } from './channel-log.ts';
import { LogBudget } from './log-budget.ts';
import { RunLimits } from './run.ts';

const RUN_BYTES = 100_000;
const LIMIT = 16 * RUN_BYTES;

/** A log of runs of one packet, and users who hold runs of it until they are cut off. */
function rig(budget = new LogBudget(LIMIT), maxBytes = LIMIT) {
  const cutOff: number[] = [];
  const log = new ChannelLog(
    { maxBytes, maxMs: 1000, entryMaxAgeMs: 1000 },
    new RunLimits(1, 10),
    budget,
    (run) => {
      cutOff.push(run);
      log.unpin(run);
    },
  );
  const append = (runs: number) => {
    for (let i = 0; i < runs; i += 1) log.append(packetOf(Buffer.alloc(RUN_BYTES), 0n, 0), 0);
  };
  const hold = (run: number) => {
    log.closedRun(run)!.pins += 1;
  };
  return { budget, log, append, hold, cutOff };
}

describe('runs that writes hold', () => {
  it('are charged until the last write is over, though the log has dropped them', () => {
    const { budget, log, append, hold } = rig();
    append(2);
    hold(0);
    hold(0);
    const before = budget.usedBytes;
    log.dropOldest();
    expect([budget.usedBytes, log.bytes]).toEqual([before, before / 2]);
    expect(budget.pinnedBytes).toBe(before / 2);
    log.unpin(0);
    expect(budget.usedBytes).toBe(before);
    log.unpin(0);
    expect([budget.usedBytes, budget.pinnedBytes]).toEqual([before / 2, 0]);
  });

  it('cost nothing extra while the log has them', () => {
    const { budget, log, append, hold } = rig();
    append(1);
    hold(0);
    log.unpin(0);
    log.dropOldest();
    expect([budget.usedBytes, budget.pinnedBytes]).toEqual([0, 0]);
  });

  it('keep their share over the limit; past it the holders of the oldest are cut off, not the logs emptied', () => {
    const budget = new LogBudget(LIMIT);
    const healthy = rig(budget);
    const noisy = rig(budget, 1.5 * RUN_BYTES);
    healthy.append(8);
    for (let run = 0; run < 12; run += 1) {
      noisy.append(1);
      noisy.hold(run);
      budget.dropRuns();
      expect(budget.isExceeded).toBe(false);
    }
    expect(noisy.cutOff).toEqual(noisy.cutOff.toSorted((a, b) => a - b));
    expect(noisy.cutOff[0]).toBe(0);
    expect(budget.pinnedBytes).toBeGreaterThan(0.5 * PINNED_SHARE * LIMIT);
    expect(healthy.log.firstRun).toBe(0);
  });

  it('are freed before anything fails where they are all there is', () => {
    const { budget, append, hold, cutOff } = rig(new LogBudget(2 * RUN_BYTES), 1.5 * RUN_BYTES);
    append(1);
    hold(0);
    append(1);
    hold(1);
    append(1);
    budget.dropRuns();
    expect(budget.isExceeded).toBe(false);
    expect(cutOff).toEqual([0, 1]);
  });
});
