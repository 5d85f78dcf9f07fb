import { describe, expect, it } from 'vitest';
import { HELD_PACKET_OVERHEAD_BYTES } from '../../shared/limits.ts';
import { ReorderBuffer } from './reorder-buffer.ts';
import { packetOf } from './testing/packets.ts';
import { LIMITS, ReorderRig, range } from './testing/reorder-rig.ts';

/** The rules within an epoch, one by one: window, late, deadline, limits, and how an epoch begins. */

const W = BigInt(LIMITS.maxPackets);
const TOP = 2n ** 64n;
const COST_OF_100 = 100 + HELD_PACKET_OVERHEAD_BYTES;

/** A rig whose epoch began at 0 and expects `expected`. */
function expecting(expected: bigint, limits = {}): ReorderRig {
  const rig = new ReorderRig(limits);
  rig.pushAll(range(0n, Number(expected)));
  expect(rig.sequences).toEqual(range(0n, Number(expected)));
  return rig;
}

describe('the window', () => {
  it('hands the expected packet on within the push that brings it', () => {
    const rig = expecting(5n);
    rig.push(5n);
    expect(rig.sequences.at(-1)).toBe(5n);
    expect(rig.buffer.heldPackets).toBe(0);
    expect(rig.buffer.dueMs).toBe(Infinity);
  });

  it('holds what comes too early until the gap is filled, then hands on all of it at once', () => {
    const rig = expecting(5n);
    rig.pushAll([8n, 6n, 7n, 5n + W - 1n]);
    expect(rig.sequences).toHaveLength(5);
    expect(rig.buffer.heldPackets).toBe(4);
    expect(rig.buffer.heldBytes).toBe(4 * (20 + HELD_PACKET_OVERHEAD_BYTES));
    rig.push(5n);
    expect(rig.sequences).toEqual(range(0n, 9));
    expect(rig.buffer.heldPackets).toBe(1);
    expect(rig.buffer.counters.lost).toBe(0);
  });

  it('slides for a packet one beyond it, by one: the expected one is lost and then late', () => {
    const rig = expecting(5n);
    rig.pushAll([6n, 5n + W]);
    expect(rig.sequences.slice(5)).toEqual([6n]);
    rig.push(5n);
    rig.pushAll(range(7n, Number(W) - 2));
    expect(rig.sequences.slice(5)).toEqual(range(6n, Number(W)));
    expect(rig.buffer.counters).toMatchObject({ lost: 1, late: 1, stray: 0 });
  });

  it('slides for a packet up to W beyond it, handing on what it leaves and holding the rest', () => {
    const rig = expecting(5n);
    rig.pushAll([7n, 9n, 5n + W - 1n]);
    rig.push(5n + 2n * W - 2n);
    expect(rig.sequences.slice(5)).toEqual([7n, 9n, 5n + W - 1n]);
    expect(rig.buffer.heldPackets).toBe(1);
    rig.drain();
    expect(rig.sequences.at(-1)).toBe(5n + 2n * W - 2n);
    expect(rig.buffer.counters).toMatchObject({ lost: 2 * Number(W) - 5, jumps: 0, stray: 0 });
  });

  it('hands on at once what the slide makes the expected one', () => {
    const rig = expecting(5n);
    rig.pushAll([6n, 7n, 8n]);
    rig.push(6n + W - 1n);
    expect(rig.sequences.slice(5)).toEqual([6n, 7n, 8n]);
  });

  it('does not slide for a packet more than W beyond it', () => {
    const rig = expecting(5n);
    rig.push(5n + 2n * W);
    rig.push(5n);
    expect(rig.sequences).toEqual(range(0n, 6));
    expect(rig.buffer.counters).toMatchObject({ lost: 0, stray: 1 });
  });

  it('drops a repeat of a held packet, of a delivered one, and of a lost one, as late', () => {
    const rig = expecting(40n);
    rig.pushAll([41n, 41n, 39n, 40n - W]);
    expect(rig.buffer.counters.late).toBe(3);
    rig.pass(LIMITS.deadlineMs);
    rig.push(40n);
    rig.push(42n);
    expect(rig.sequences.slice(40)).toEqual([41n, 42n]);
    expect(rig.buffer.counters).toMatchObject({ late: 4, lost: 1, stray: 0 });
  });

  it('takes a packet more than W behind for a stray one', () => {
    const rig = expecting(40n);
    rig.push(40n - W - 1n);
    rig.push(40n);
    expect(rig.buffer.counters).toMatchObject({ late: 0, stray: 1 });
  });

  it('hands on a packet without payload like any other, held or not', () => {
    const lengths: number[] = [];
    const buffer = new ReorderBuffer(LIMITS, {
      deliver: (packet) => void lengths.push(packet.payloadBytes),
    });
    const empty = Buffer.alloc(0);
    for (const sequence of [0n, 2n]) buffer.push(packetOf(empty, sequence));
    expect([buffer.heldPackets, buffer.heldBytes]).toEqual([1, HELD_PACKET_OVERHEAD_BYTES]);
    buffer.push(packetOf(empty, 1n));
    expect(lengths).toEqual([0, 0, 0]);
    expect([buffer.heldPackets, buffer.heldBytes]).toEqual([0, 0]);
  });
});

describe('a missing packet', () => {
  it('is waited for until the deadline of the packet behind it, and not a moment longer', () => {
    const rig = expecting(5n);
    rig.pass(100);
    rig.pushAll([6n, 7n]);
    expect(rig.buffer.dueMs).toBe(100 + LIMITS.deadlineMs);
    rig.pass(LIMITS.deadlineMs - 1);
    expect(rig.sequences).toHaveLength(5);
    rig.pass(1);
    expect(rig.sequences.slice(5)).toEqual([6n, 7n]);
    expect(rig.buffer.counters.lost).toBe(1);
  });

  it('is waited for behind another gap as long as the packet behind it has time', () => {
    const rig = expecting(5n);
    rig.push(6n);
    rig.pass(300);
    rig.push(8n);
    rig.pass(LIMITS.deadlineMs - 300);
    expect(rig.sequences.slice(5)).toEqual([6n]);
    rig.push(7n);
    expect(rig.sequences.slice(5)).toEqual([6n, 7n, 8n]);
    expect(rig.buffer.counters.lost).toBe(1);
  });

  it('is given up with all gaps below the packet whose time is over', () => {
    const rig = expecting(5n);
    rig.push(10n);
    rig.pass(500);
    rig.pushAll([7n, 12n]);
    rig.pass(500);
    expect(rig.sequences.slice(5)).toEqual([7n, 10n]);
    rig.pass(500);
    expect(rig.sequences.slice(5)).toEqual([7n, 10n, 12n]);
    expect(rig.buffer.counters.lost).toBe(5);
  });

  it('is not lost because the process was held up: it counts when it was read, not when it was due', () => {
    const rig = expecting(5n);
    rig.push(6n);
    rig.stall(5 * LIMITS.deadlineMs);
    rig.pushAll([8n, 5n]);
    expect(rig.sequences.slice(5)).toEqual([5n, 6n]);
    expect(rig.buffer.counters.lost).toBe(0);
  });

  it('is given up when the bytes held are too many, and only as many gaps as it takes', () => {
    const rig = expecting(5n, { maxBytes: 3 * COST_OF_100 });
    rig.push(7n, 100);
    rig.push(9n, 100);
    rig.push(11n, 100);
    expect(rig.sequences).toHaveLength(5);
    rig.push(13n, 100);
    expect(rig.sequences.slice(5)).toEqual([7n]);
    expect(rig.buffer.heldBytes).toBe(3 * COST_OF_100);
    rig.drain();
    expect(rig.buffer.counters).toMatchObject({ lost: 5, late: 0 });
  });

  it('is given up for one byte too many, and for none that fits', () => {
    for (const maxBytes of [2 * COST_OF_100, 2 * COST_OF_100 - 1]) {
      const rig = expecting(5n, { maxBytes });
      rig.push(7n, 100);
      rig.push(9n, 100);
      expect(rig.sequences.slice(5)).toEqual(maxBytes === 2 * COST_OF_100 ? [] : [7n]);
    }
  });

  it('is given up for the packet that is too much itself, where that is the lowest', () => {
    const rig = expecting(5n, { maxBytes: 3 * COST_OF_100 });
    for (const sequence of [9n, 11n, 13n]) rig.push(sequence, 100);
    rig.push(7n, 100);
    rig.drain();
    expect(rig.sequences.slice(5)).toEqual([7n, 9n, 11n, 13n]);
    expect(rig.buffer.counters.late).toBe(0);
  });

  it('costs its overhead too: packets without payload cannot fill the memory', () => {
    const buffer = new ReorderBuffer(
      { ...LIMITS, maxBytes: 10 * HELD_PACKET_OVERHEAD_BYTES },
      { deliver: () => {} },
    );
    const empty = Buffer.alloc(0);
    for (const sequence of [0, 2, 4, 6, 8, 10, 12, 14, 3, 5, 7, 9, 11, 13]) {
      buffer.push(packetOf(empty, BigInt(sequence)));
      expect(buffer.heldBytes).toBe(HELD_PACKET_OVERHEAD_BYTES * buffer.heldPackets);
      expect(buffer.heldBytes).toBeLessThanOrEqual(10 * HELD_PACKET_OVERHEAD_BYTES);
    }
  });
});

describe('the first epoch', () => {
  it('begins at once with 0', () => {
    const rig = new ReorderRig();
    rig.push(0n);
    expect(rig.sequences).toEqual([0n]);
  });

  it('begins with the lowest once it has settled, and counts nothing before that as lost', () => {
    const rig = new ReorderRig();
    rig.pass(50);
    rig.pushAll([1002n, 1003n]);
    rig.pass(100);
    rig.pushAll([1000n, 1002n]);
    expect(rig.buffer.dueMs).toBe(50 + LIMITS.settleMs);
    rig.pass(99);
    expect(rig.sequences).toEqual([]);
    rig.pass(1);
    expect(rig.sequences).toEqual([1000n]);
    rig.push(999n);
    rig.push(1001n);
    expect(rig.sequences).toEqual(range(1000n, 4));
    expect(rig.buffer.counters).toMatchObject({ lost: 0, late: 2, jumps: 0, restarts: 0 });
  });

  it('waits for 0 as long as for any packet where the lowest is near 0', () => {
    const rig = new ReorderRig();
    rig.pushAll([W - 1n, 3n]);
    rig.pass(LIMITS.deadlineMs - 1);
    expect(rig.sequences).toEqual([]);
    rig.push(0n);
    expect(rig.sequences).toEqual([0n]);
    rig.pushAll([1n, 2n]);
    expect(rig.sequences).toEqual(range(0n, 4));
  });

  it('begins near 0 without 0 at the deadline', () => {
    const rig = new ReorderRig();
    rig.pushAll([3n, 2n]);
    expect(rig.buffer.dueMs).toBe(LIMITS.deadlineMs);
    rig.pass(LIMITS.deadlineMs);
    expect(rig.sequences).toEqual([2n, 3n]);
    expect(rig.buffer.counters.lost).toBe(0);
  });

  it('does not take W for near 0', () => {
    const rig = new ReorderRig();
    rig.push(W);
    rig.pass(LIMITS.settleMs);
    expect(rig.sequences).toEqual([W]);
  });

  it('begins at once when W packets are held', () => {
    const rig = new ReorderRig();
    const sequences = range(2000n, Number(W)).toReversed();
    rig.pushAll(sequences.slice(0, -1));
    expect(rig.sequences).toEqual([]);
    rig.push(2000n);
    expect(rig.sequences).toEqual(range(2000n, Number(W)));
  });

  it('begins at once when its bytes are too many', () => {
    const rig = new ReorderRig({ maxBytes: 3 * COST_OF_100 });
    for (const sequence of [2003n, 2002n, 2001n, 2000n]) rig.push(sequence, 100);
    expect(rig.sequences[0]).toBe(2000n);
    rig.drain();
    expect(rig.sequences).toEqual(range(2000n, 4));
  });

  it('takes 0 for the successor of 2^64-1 where it came by wrapping', () => {
    const rig = new ReorderRig();
    rig.pushAll([TOP - 1n, 0n, 1n]);
    expect(rig.sequences).toEqual([]);
    rig.push(TOP - 3n);
    rig.pass(LIMITS.settleMs);
    rig.push(TOP - 2n);
    expect(rig.sequences).toEqual(range(TOP - 3n, 5));
    expect(rig.buffer.counters).toMatchObject({ lost: 0, late: 0 });
  });

  it('is not begun by a clock that nobody called: what was read late still belongs to it', () => {
    const rig = new ReorderRig();
    rig.push(1002n);
    rig.stall(LIMITS.settleMs * 3);
    rig.pushAll([1001n, 1000n]);
    rig.pass(0);
    expect(rig.sequences).toEqual([1000n, 1001n, 1002n]);
    expect(rig.buffer.counters.late).toBe(0);
  });

  it('begins where the newest packet is: what an earlier life of the source left behind is stray', () => {
    const rig = new ReorderRig();
    rig.pushAll(range(1_000_000n, 5));
    for (let sequence = 0n; sequence < 100n; sequence += 1n) {
      rig.push(sequence);
      rig.pass(1);
    }
    expect(rig.sequences).toEqual(range(0n, 100));
    expect(rig.buffer.counters).toMatchObject({ stray: 5, late: 0, jumps: 0, restarts: 0 });
  });
});
