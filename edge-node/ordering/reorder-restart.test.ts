import { describe, expect, it } from 'vitest';
import { LIMITS, ReorderRig, range, settledUpTo } from './testing/reorder-rig.ts';

/** The rules of a restart, and of a new connection that is none, one by one. */

const W = BigInt(LIMITS.maxPackets);
const { deadlineMs, settleMs } = LIMITS;

describe('a restart', () => {
  it('on a new connection keeps the packets aside, and begins with them once it has settled', () => {
    const rig = settledUpTo(1005n);
    rig.connect();
    rig.pass(30);
    rig.pushAll([1001n, 1000n]);
    rig.pass(100);
    rig.pushAll([1002n, 1000n]);
    expect(rig.buffer.counters.late).toBe(1);
    expect(rig.buffer.heldPackets).toBe(3);
    rig.pass(settleMs - 101);
    expect(rig.sequences).toHaveLength(5);
    rig.pass(1);
    expect(rig.sequences.slice(5)).toEqual([1000n, 1001n, 1002n]);
    rig.push(1003n);
    expect(rig.sequences.slice(5)).toEqual(range(1000n, 4));
    expect(rig.buffer.counters).toMatchObject({ restarts: 1, jumps: 0, lost: 0, late: 1 });
  });

  it('is none when one packet comes in the window: they were repeats', () => {
    const rig = settledUpTo(1005n);
    rig.connect();
    rig.pushAll([1001n, 1002n, 1003n]);
    rig.pass(settleMs - 1);
    rig.push(1005n);
    rig.pushAll([1002n, 1004n]);
    rig.pass(10 * settleMs - 1);
    rig.push(1006n);
    expect(rig.sequences).toEqual(range(1000n, 7));
    expect(rig.buffer.counters).toMatchObject({ restarts: 0, late: 5 });
  });

  it('from near 0 without 0 waits for 0 up to the deadline, and begins with it', () => {
    const rig = new ReorderRig();
    rig.pushAll(range(0n, 12));
    rig.connect();
    rig.pushAll([2n, 1n]);
    rig.pass(deadlineMs - 1);
    expect(rig.sequences).toHaveLength(12);
    rig.push(0n);
    rig.pass(1);
    expect(rig.sequences.slice(12)).toEqual([0n, 1n, 2n]);
    expect(rig.buffer.counters).toMatchObject({ restarts: 1, lost: 0, late: 0 });
  });

  it('without a new connection is found once only late packets have come for the deadline', () => {
    const rig = settledUpTo(1012n);
    const sequences = range(1000n, 11);
    for (const sequence of sequences) {
      rig.push(sequence);
      rig.pass(100);
    }
    // 1000 came at 0 ms, 1010 after the deadline: the first kept aside; the ten before it were dropped.
    expect(rig.buffer.counters).toMatchObject({ late: 10, restarts: 0 });
    expect(rig.sequences).toHaveLength(12);
    rig.pass(settleMs - 100);
    expect(rig.sequences.slice(12)).toEqual([1010n]);
    expect(rig.buffer.counters.restarts).toBe(1);
  });

  it('is not assumed from single repeats a deadline apart with the stream between them', () => {
    const rig = settledUpTo(1005n);
    for (const sequence of range(1005n, 12)) {
      rig.push(sequence);
      rig.push(sequence);
      rig.pass(deadlineMs);
    }
    expect(rig.sequences).toEqual(range(1000n, 17));
    expect(rig.buffer.counters).toMatchObject({ restarts: 0, late: 12 });
  });

  it('is found though a stray stray packet comes now and then', () => {
    const rig = settledUpTo(1016n);
    for (const [i, sequence] of [...range(1000n, 15)].entries()) {
      rig.push(sequence);
      if (i % 3 === 2) rig.push(BigInt(i) * 1_000_000n);
      rig.pass(100);
    }
    rig.pass(settleMs);
    expect(rig.buffer.counters.restarts).toBe(1);
  });

  it('hands on what the old epoch still holds first', () => {
    const rig = settledUpTo(1005n);
    rig.pushAll([1007n, 1006n]);
    rig.connect();
    rig.pushAll([1000n, 1001n]);
    rig.pass(settleMs);
    expect(rig.sequences.slice(5)).toEqual([1006n, 1007n, 1000n, 1001n]);
    expect(rig.buffer.counters).toMatchObject({ restarts: 1, lost: 1 });
  });

  it('to where the source was before its last jump is found, and that range is forgotten', () => {
    const rig = settledUpTo(1100n);
    rig.pushAll(range(5000n, 5));
    rig.pass(settleMs);
    rig.connect();
    rig.pushAll(range(1080n, 3));
    rig.pass(settleMs);
    expect(rig.sequences.slice(100)).toEqual([...range(5000n, 5), ...range(1080n, 3)]);
    expect(rig.buffer.counters).toMatchObject({ restarts: 1, jumps: 1 });
    rig.pushAll(range(1083n, 60));
    expect(rig.sequences.slice(-60)).toEqual(range(1083n, 60));
    rig.push(1100n);
    rig.push(1143n);
    expect(rig.buffer.counters).toMatchObject({ stray: 1, late: 0, lost: 0 });
  });
});

describe('a new connection', () => {
  it('that goes on with the expected packet delays nothing, and what is held stays', () => {
    const rig = settledUpTo(1005n);
    rig.push(1007n);
    rig.connect();
    rig.push(1005n);
    expect(rig.sequences.at(-1)).toBe(1005n);
    rig.push(1006n);
    expect(rig.sequences.at(-1)).toBe(1007n);
    expect(rig.buffer.counters).toMatchObject({ lost: 0, late: 0, jumps: 0, restarts: 0 });
  });

  it('that goes on behind a gap delivers from its lowest once it has settled', () => {
    const rig = settledUpTo(1005n);
    rig.connect();
    rig.pass(30);
    rig.pushAll([1012n, 1013n]);
    rig.pass(settleMs - 1);
    rig.push(1011n);
    expect(rig.sequences).toHaveLength(5);
    rig.pass(1);
    expect(rig.sequences.slice(5)).toEqual([1011n, 1012n, 1013n]);
    expect(rig.buffer.counters).toMatchObject({ lost: 6, jumps: 0, restarts: 0 });
  });

  it('that goes on behind a gap wider than the window is not slower for it', () => {
    const rig = settledUpTo(1005n);
    rig.connect();
    rig.push(1005n + W + 8n);
    rig.pass(settleMs);
    expect(rig.sequences.at(-1)).toBe(1005n + W + 8n);
  });

  it('whose expected packet comes in time has the whole deadline for the next gap', () => {
    const rig = settledUpTo(1005n);
    rig.connect();
    rig.pushAll([1006n, 1008n]);
    rig.pass(settleMs - 1);
    rig.push(1005n);
    rig.pass(deadlineMs - settleMs);
    expect(rig.sequences.at(-1)).toBe(1006n);
    rig.push(1007n);
    expect(rig.sequences.at(-1)).toBe(1008n);
    expect(rig.buffer.counters.lost).toBe(0);
  });

  it('whose first gap was given up by the deadline leaves later gaps all their time', () => {
    const rig = settledUpTo(1005n);
    rig.push(1006n);
    rig.pass(deadlineMs - 1);
    rig.connect();
    rig.push(1007n);
    rig.pass(1);
    expect(rig.sequences.at(-1)).toBe(1007n);
    rig.pass(10 * deadlineMs);
    rig.push(1009n);
    rig.pass(deadlineMs - 1);
    expect(rig.sequences.at(-1)).toBe(1007n);
    rig.push(1008n);
    expect(rig.sequences.at(-1)).toBe(1009n);
    expect(rig.buffer.counters.lost).toBe(1);
  });

  it('that repeats what was delivered and goes on gives nobody anything twice', () => {
    const rig = settledUpTo(1040n);
    rig.connect();
    rig.pushAll(range(1030n, 40));
    expect(rig.sequences).toEqual(range(1000n, 70));
    expect(rig.buffer.counters).toMatchObject({ late: 10, lost: 0, restarts: 0, jumps: 0 });
  });

  it('during the first settling changes nothing', () => {
    const rig = new ReorderRig();
    rig.push(1001n);
    rig.pass(settleMs / 2);
    rig.connect();
    rig.push(1000n);
    rig.pass(settleMs / 2);
    expect(rig.sequences).toEqual([1000n, 1001n]);
  });
});
