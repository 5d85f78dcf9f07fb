import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ahead, plus } from './testing/circle.ts';
import { LIMITS, ReorderRig } from './testing/reorder-rig.ts';

/** Sources as they are: what comes out is known from what was sent, without any model of the buffer. */

const W = LIMITS.maxPackets;
const TOP = 2n ** 64n;
const start = fc.constantFrom(0n, 2n ** 32n - 2n, 2n ** 53n - 2n, TOP - 2n);

describe('a source that shuffles, within the window', () => {
  /** Indexes 0 to count-1, none more than `by` places from where it belongs. */
  const shuffled = (count: number, by: number): fc.Arbitrary<number[]> =>
    fc
      .array(fc.integer({ min: 0, max: by }), { minLength: count, maxLength: count })
      .map((jitter) =>
        jitter
          .map((late, index) => ({ index, at: index + late + index / count }))
          .toSorted((a, b) => a.at - b.at)
          .map(({ index }) => index),
      );
  const COUNT = 120;
  const order = shuffled(COUNT, W - 4);
  const all = (base: bigint): bigint[] =>
    Array.from({ length: COUNT }, (_, i) => plus(base, BigInt(i)));

  it('comes out in order and whole, from any start, across 2^32, 2^53 and 2^64', () => {
    fc.assert(
      fc.property(start, order, (base, indexes) => {
        const rig = new ReorderRig();
        for (const index of indexes) {
          rig.push(plus(base, BigInt(index)));
          rig.pass(1);
        }
        rig.drain();
        const [first] = rig.sequences;
        if (base === 0n) expect(first).toBe(0n);
        // What came before the epoch had settled may be late; nothing else may be.
        const lead = Number(ahead(base, first ?? base));
        expect(lead).toBeLessThan(W);
        expect(rig.sequences).toEqual(all(base).slice(lead));
        expect(rig.buffer.counters).toMatchObject({ lost: 0, stray: 0, jumps: 0, restarts: 0 });
        expect(rig.buffer.counters.late).toBe(lead);
      }),
      { numRuns: 200 },
    );
  });

  it('with losses and repeats comes out in order, with what is left out counted and no more', () => {
    const fates = fc.array(fc.constantFrom('once', 'once', 'once', 'lost', 'twice'), {
      minLength: COUNT,
      maxLength: COUNT,
    });
    fc.assert(
      fc.property(order, fates, (indexes, fate) => {
        const rig = new ReorderRig();
        const sent = new Set([0, COUNT - 1]);
        let repeats = 0;
        rig.push(0n);
        for (const index of indexes) {
          // Every eighth packet comes: longer gaps are jumps.
          if (fate[index] === 'lost' && index % 8 !== 0 && index < COUNT - 1) continue;
          rig.pass(20);
          if (index > 0) rig.push(BigInt(index));
          if (fate[index] === 'twice') rig.push(BigInt(index));
          if (fate[index] === 'twice') repeats += 1;
          sent.add(index);
        }
        // It goes on: what comes early before a pause, and alone, would be taken for a stray.
        const end = COUNT + 2 * W;
        for (let index = COUNT; index < end; index += 1) {
          rig.pass(20);
          rig.push(BigInt(index));
          sent.add(index);
        }
        rig.drain();
        expect(rig.sequences).toEqual([...sent].toSorted((a, b) => a - b).map(BigInt));
        expect(rig.buffer.counters).toEqual({
          received: sent.size + repeats,
          ordered: sent.size,
          lost: end - sent.size,
          late: repeats,
          stray: 0,
          jumps: 0,
          restarts: 0,
        });
      }),
      { numRuns: 200 },
    );
  });

  it('that jumps goes on behind the jump in order, each side whole', () => {
    const targets = fc.constantFrom(1000n, -1000n, 2n ** 40n, 2n ** 63n, TOP - 60n);
    fc.assert(
      fc.property(start, order, targets, (base, indexes, by) => {
        const rig = new ReorderRig();
        rig.pushAll(all(base));
        rig.pass(LIMITS.settleMs);
        const other = plus(plus(base, BigInt(COUNT)), by);
        for (const index of indexes) {
          rig.push(plus(other, BigInt(index)));
          rig.pass(20);
        }
        rig.drain();
        expect(rig.buffer.counters).toMatchObject({
          lost: 0,
          stray: 0,
          late: 0,
          jumps: 1,
          restarts: 0,
        });
        expect(rig.sequences).toEqual([...all(base), ...all(other)]);
      }),
      { numRuns: 200 },
    );
  });

  it('that starts again from 0, far from where it was, loses nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: COUNT, max: 100_000 }), order, (before, indexes) => {
        const rig = new ReorderRig();
        const base = BigInt(before - COUNT);
        rig.connect();
        rig.pushAll(all(base));
        rig.pass(LIMITS.deadlineMs);
        expect(rig.sequences).toEqual(all(base));
        rig.connect();
        for (const index of indexes) {
          rig.push(BigInt(index));
          rig.pass(20);
        }
        rig.drain();
        expect(rig.sequences).toEqual([...all(base), ...all(0n)]);
        expect(rig.buffer.counters).toMatchObject({ lost: 0, late: 0, stray: 0, jumps: 1 });
      }),
      { numRuns: 200 },
    );
  });
});
