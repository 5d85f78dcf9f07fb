import { describe, expect, it } from 'vitest';
import { HELD_PACKET_OVERHEAD_BYTES } from '../../shared/limits.ts';
import { LIMITS, ReorderRig, range, settledUpTo } from './testing/reorder-rig.ts';

/** The rules of a jump, one by one. */

const W = BigInt(LIMITS.maxPackets);
const TOP = 2n ** 64n;
const { deadlineMs, settleMs } = LIMITS;

describe('a jump', () => {
  it('needs five different stray packets: strays and repeats of one are none', () => {
    const rig = settledUpTo(1100n);
    rig.pushAll([5000n, 5000n, 5001n, 5002n, 5003n, 5003n, 5000n]);
    rig.pass(2 * settleMs);
    rig.push(1100n);
    expect(rig.sequences.slice(99)).toEqual([1099n, 1100n]);
    expect(rig.buffer.counters).toMatchObject({ jumps: 0, stray: 7, lost: 0 });
    expect(rig.buffer.heldPackets).toBe(0);
  });

  it('needs five within W of each other', () => {
    const rig = settledUpTo(1100n);
    rig.pushAll([0n, 1n, 2n, 3n, 4n].map((i) => 5000n + i * W));
    rig.pass(2 * deadlineMs);
    expect(rig.buffer.counters.jumps).toBe(0);
    rig.pushAll([5001n, 5002n, 5003n, 5000n + W - 1n]);
    expect(rig.buffer.counters.jumps).toBe(1);
    rig.drain();
    expect(rig.sequences.slice(100)).toEqual([5000n, 5001n, 5002n, 5003n, 5000n + W - 1n]);
    expect(rig.buffer.counters.stray).toBe(4);
  });

  it('is none when a packet comes in the window between the five', () => {
    const rig = settledUpTo(1100n);
    rig.pushAll([5000n, 5001n, 5002n, 5003n, 1101n, 5004n]);
    expect(rig.buffer.counters.jumps).toBe(0);
    rig.pushAll([5005n, 5006n, 5007n, 5008n]);
    expect(rig.buffer.counters.jumps).toBe(1);
  });

  it('is one even when late packets come between the five', () => {
    const rig = settledUpTo(1100n);
    rig.pushAll([5000n, 1099n, 5001n, 5002n, 1098n, 5003n, 5004n]);
    expect(rig.buffer.counters.jumps).toBe(1);
  });

  it('hands on what is held, then settles, and begins with the lowest', () => {
    const rig = settledUpTo(1100n);
    rig.pushAll([1102n, 1104n]);
    rig.pushAll([5003n, 5004n, 5005n, 5007n]);
    expect(rig.sequences).toHaveLength(100);
    rig.push(5001n);
    expect(rig.sequences.slice(100)).toEqual([1102n, 1104n]);
    rig.pass(settleMs - 1);
    rig.pushAll([5002n, 5000n]);
    expect(rig.sequences).toHaveLength(102);
    rig.pass(1);
    expect(rig.sequences.slice(102)).toEqual(range(5000n, 6));
    rig.push(5006n);
    expect(rig.sequences.slice(102)).toEqual(range(5000n, 8));
    expect(rig.buffer.counters).toMatchObject({
      lost: 3,
      late: 0,
      stray: 0,
      jumps: 1,
      restarts: 0,
    });
  });

  it('to 0 begins at once', () => {
    const rig = settledUpTo(1100n);
    rig.pushAll([4n, 3n, 2n, 1n, 0n]);
    expect(rig.sequences.slice(100)).toEqual(range(0n, 5));
  });

  it('to near 0 waits for 0 up to the deadline', () => {
    const rig = settledUpTo(1100n);
    rig.pushAll(range(1n, 5));
    rig.pass(deadlineMs - 1);
    expect(rig.sequences).toHaveLength(100);
    rig.push(0n);
    expect(rig.sequences.slice(100)).toEqual(range(0n, 6));
  });

  it('forward past 2^64 does not take 0 for a beginning: what comes before it still counts', () => {
    const rig = new ReorderRig();
    rig.push(TOP - 1000n);
    rig.pass(settleMs);
    rig.pushAll([3n, 1n, 0n, 2n, 4n]);
    rig.pass(settleMs - 1);
    rig.pushAll([TOP - 1n, TOP - 2n]);
    rig.pass(1);
    expect(rig.sequences.slice(1)).toEqual(range(TOP - 2n, 7));
    expect(rig.buffer.counters).toMatchObject({ jumps: 1, late: 0, lost: 0 });
  });

  it('over 2^64 is a jump like any other', () => {
    const rig = settledUpTo(1100n);
    rig.pushAll(range(TOP - 3n, 6));
    rig.pass(settleMs);
    rig.pushAll(range(3n, 100));
    expect(rig.sequences.slice(100)).toEqual(range(TOP - 3n, 106));
    expect(rig.buffer.counters).toMatchObject({ lost: 0, jumps: 1 });
  });

  it('leaves stragglers from where the source was, and they are late', () => {
    const rig = settledUpTo(1100n);
    rig.pushAll(range(5000n, 5));
    rig.pushAll([1100n, 1110n]);
    rig.pass(settleMs);
    rig.pushAll([1101n, 1102n, 1103n, 1104n, 1105n, 1099n]);
    rig.push(5005n);
    expect(rig.sequences.slice(100)).toEqual(range(5000n, 6));
    expect(rig.buffer.counters).toMatchObject({ late: 8, stray: 0, jumps: 1, lost: 0 });
  });

  it('back by little more than the window loses nothing, though it lies where the source was', () => {
    const rig = settledUpTo(1100n);
    const from = 1100n - W - 8n;
    const sequences = range(from, 60);
    for (const sequence of sequences) {
      rig.push(sequence);
      rig.pass(20);
    }
    rig.drain();
    // The first eight are strays, the five of them open the epoch; none of the rest is missing behind them.
    expect(rig.buffer.counters.jumps).toBe(1);
    expect(rig.sequences.slice(100)).toEqual(sequences);
  });

  it('is found among strays that do not belong to it, and they are counted', () => {
    const rig = settledUpTo(1100n);
    const strays = range(1n, 30).map((i) => i * 1_000_000n);
    for (const [i, stray] of strays.entries()) {
      rig.push(stray);
      if (i % 6 === 5) rig.push(5000n + BigInt(i));
    }
    rig.pushAll([5003n, 5004n, 5006n, 5007n, 5008n]);
    expect(rig.buffer.counters.jumps).toBe(1);
    rig.pass(settleMs);
    expect(rig.sequences.at(-1)! > 5000n && rig.sequences.at(-1)! < 5030n).toBe(true);
  });

  it('of a source that sends a packet every few seconds is found too', () => {
    const rig = settledUpTo(1100n);
    for (const sequence of range(5000n, 8)) {
      rig.push(sequence);
      rig.pass(5 * deadlineMs);
    }
    expect(rig.sequences.slice(-4)).toEqual(range(5004n, 4));
  });

  it('of packets so large that five of them do not fit does not stall the channel', () => {
    const rig = settledUpTo(1100n, { maxBytes: 4 * (1000 + HELD_PACKET_OVERHEAD_BYTES) });
    const sequences = range(5000n, 40);
    for (const sequence of sequences) {
      rig.push(sequence, 1000);
      rig.pass(100);
    }
    expect(rig.sequences.slice(-5)).toEqual(sequences.slice(-5));
  });
});
