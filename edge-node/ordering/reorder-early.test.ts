import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS, ReorderRig, range, settledUpTo } from './testing/reorder-rig.ts';

/** A packet that comes far too early while the source goes on where it was: a stray, in the window or beyond it. */

const W = 1024;
const STEP_MS = 20;

/** Plays a source of 50 packets/s from 0 on, one stray among them, and tells the longest silence. */
function play(
  rig: ReorderRig,
  packets: number,
  stray: { after: number; ahead: number },
  lost: (sequence: number) => boolean = () => false,
): number {
  let silenceMs = 0;
  let heardMs = 0;
  let delivered = 0;
  const listen = () => {
    if (rig.delivered.length > delivered) {
      silenceMs = Math.max(silenceMs, rig.nowMs - heardMs);
      heardMs = rig.nowMs;
      delivered = rig.delivered.length;
    }
  };
  for (let sequence = 0; sequence < packets; sequence += 1) {
    if (!lost(sequence)) rig.push(BigInt(sequence));
    if (sequence === stray.after) rig.push(BigInt(sequence + stray.ahead));
    listen();
    for (let ms = 0; ms < STEP_MS; ms += 1) {
      rig.pass(1);
      listen();
    }
  }
  return silenceMs;
}

describe('an early stray', () => {
  it.each([60, 500, 1000, W - 1, W, W + 1, 1500, 2000, 2 * W - 1])(
    '%i ahead of a source that goes on costs neither silence nor loss',
    (ahead) => {
      const rig = new ReorderRig({ maxPackets: W });
      const silenceMs = play(rig, 400, { after: 250, ahead });
      expect(rig.sequences).toEqual(range(0n, 400));
      expect(silenceMs).toBe(STEP_MS);
      const counters = { lost: 0, late: 0, stray: 1, jumps: 0, restarts: 0 };
      expect(rig.buffer.counters).toMatchObject(counters);
      expect(rig.buffer.heldPackets).toBe(0);
    },
  );

  it('does not lengthen the wait for a packet that is lost, nor lose any other, wherever it lies', () => {
    const COUNT = 200;
    const losses = fc.uniqueArray(fc.integer({ min: 1, max: COUNT - 60 }), { maxLength: 8 });
    const stray = fc.record({
      after: fc.integer({ min: 1, max: COUNT - 60 }),
      ahead: fc.integer({ min: 60, max: 3 * W }),
    });
    fc.assert(
      fc.property(losses, stray, (lost, early) => {
        const rig = new ReorderRig({ maxPackets: W });
        const silenceMs = play(rig, COUNT + 60, early, (sequence) => lost.includes(sequence));
        const sent = range(0n, COUNT + 60).filter((sequence) => !lost.includes(Number(sequence)));
        expect(rig.sequences).toEqual(sent);
        expect(rig.buffer.counters).toMatchObject({ lost: lost.length, jumps: 0, restarts: 0 });
        expect(silenceMs).toBeLessThanOrEqual(LIMITS.deadlineMs + 2 * STEP_MS + STEP_MS * 8);
      }),
      { numRuns: 60 },
    );
  });

  it('is the stream itself where nothing comes before it any more: the gap is given up at the deadline', () => {
    const rig = settledUpTo(1005n);
    rig.pushAll(range(1012n, 3));
    rig.pass(LIMITS.deadlineMs);
    expect(rig.sequences.slice(5)).toEqual(range(1012n, 3));
    expect(rig.buffer.counters).toMatchObject({ lost: 7, stray: 0 });
  });

  it('is dropped before a jump, and not handed on with phantom losses', () => {
    const rig = settledUpTo(1005n);
    rig.push(1018n);
    rig.push(1005n);
    rig.pushAll(range(5000n, 5));
    rig.pass(LIMITS.settleMs);
    expect(rig.sequences.slice(5)).toEqual([1005n, ...range(5000n, 5)]);
    expect(rig.buffer.counters).toMatchObject({ lost: 0, stray: 1, jumps: 1 });
  });

  it('is lost for the stream when that comes by, where it was dropped: one packet, and it is counted', () => {
    const rig = settledUpTo(1005n);
    rig.push(1018n);
    rig.push(1005n);
    rig.pass(LIMITS.deadlineMs);
    rig.pushAll(range(1006n, 12));
    rig.pushAll(range(1019n, 20));
    rig.drain();
    expect(rig.buffer.counters).toMatchObject({ lost: 1, late: 0, stray: 1 });
  });
});

describe('a burst of losses wider than the window', () => {
  it('without a new connection is found as a jump is, by five packets', () => {
    const rig = settledUpTo(1100n);
    const from = 1100n + BigInt(LIMITS.maxPackets) + 3n;
    rig.pushAll(range(from, 5));
    rig.pass(LIMITS.settleMs);
    expect(rig.sequences.slice(100)).toEqual(range(from, 5));
    expect(rig.buffer.counters).toMatchObject({ lost: 0, stray: 0, jumps: 1 });
  });
});
