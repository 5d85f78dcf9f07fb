import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plus } from './testing/circle.ts';
import { ReorderModel } from './testing/reorder-model.ts';
import { LIMITS, ReorderRig } from './testing/reorder-rig.ts';

/** Any schedule at all, and what must hold of it; then every schedule the rules decide, against the model. */

const W = LIMITS.maxPackets;
const TOP = 2n ** 64n;
const STARTS = [0n, 2n ** 32n - 2n, 2n ** 53n - 2n, TOP - 2n];
const start = fc.constantFrom(...STARTS);

type Step =
  | { readonly do: 'push'; readonly place: bigint; readonly offset: number }
  | { readonly do: 'run'; readonly place: bigint; readonly offset: number; readonly count: number }
  | { readonly do: 'connect' }
  | { readonly do: 'pass'; readonly ms: number };

/** Places that lie in, beside and far from each other's windows. */
const place = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0n) },
  { weight: 1, arbitrary: fc.constantFrom(BigInt(W), 2n * BigInt(W), -BigInt(W), 100n, -100n) },
  { weight: 1, arbitrary: fc.constantFrom(1_000_000n, 2n ** 62n, -1_000_000n) },
);
const offset = fc.integer({ min: -W, max: 2 * W });
const steps = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ do: fc.constant('push' as const), place, offset }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('run' as const),
        place,
        offset,
        count: fc.integer({ min: 2, max: 12 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('connect' as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('pass' as const),
        ms: fc.constantFrom(1, 50, 199, 200, 201, 500, 999, 1000, 1001),
      }),
    },
  ),
  { minLength: 1, maxLength: 120 },
);

function sequencesOf(step: Step, base: bigint): bigint[] {
  if (step.do !== 'push' && step.do !== 'run') return [];
  const first = plus(base, step.place + BigInt(step.offset));
  const count = step.do === 'run' ? step.count : 1;
  return Array.from({ length: count }, (_, i) => plus(first, BigInt(i)));
}

function play(
  rig: ReorderRig,
  schedule: readonly Step[],
  base: bigint,
  bytes?: () => number,
): void {
  for (const step of schedule) {
    if (step.do === 'connect') rig.connect();
    else if (step.do === 'pass') rig.pass(step.ms);
    for (const sequence of sequencesOf(step, base)) {
      rig.push(sequence, bytes?.());
      rig.pass(0);
    }
  }
}

/** First packets from places so far apart that their distance is no exact number, the newest not the lowest. */
const TWO_PLACES: Step[] = [
  { do: 'run', place: 2n ** 62n, offset: 9, count: 6 },
  { do: 'push', place: 16n, offset: 0 },
  { do: 'run', place: 2n ** 62n, offset: -3, count: 2 },
];

describe('any schedule', () => {
  it('keeps order, bytes and counts, and counts as lost what is missing within each epoch', () => {
    fc.assert(
      fc.property(start, steps, (base, schedule) => {
        const rig = new ReorderRig();
        play(rig, schedule, base);
        rig.drain();
        expect(rig.buffer.counters.lost).toBe(rig.missing);
      }),
      { numRuns: 500, examples: [[0n, TWO_PLACES]] },
    );
  });

  it('keeps within its bytes, whatever the sizes', () => {
    const sizes = fc.infiniteStream(fc.constantFrom(12, 100, 1000, 4680));
    fc.assert(
      fc.property(start, steps, sizes, (base, schedule, size) => {
        const rig = new ReorderRig({ maxBytes: 10_000 });
        play(rig, schedule, base, () => size.next().value);
        rig.drain();
      }),
      { numRuns: 300 },
    );
  });

  it('leaves nothing but candidates for a jump in memory once nothing is due', () => {
    fc.assert(
      fc.property(start, steps, (base, schedule) => {
        const rig = new ReorderRig();
        play(rig, schedule, base);
        rig.drain();
        expect(rig.buffer.heldPackets).toBeLessThanOrEqual(16);
        expect(rig.nowMs).toBeLessThanOrEqual(120 * 1001 + 3 * LIMITS.deadlineMs);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps nothing once the memory is needed', () => {
    const spread: Step[] = [
      { do: 'push', place: 100n, offset: 0 },
      { do: 'run', place: 100n, offset: 20, count: 5 },
    ];
    fc.assert(
      fc.property(start, steps, (base, schedule) => {
        const rig = new ReorderRig();
        play(rig, schedule, base);
        rig.handOnAll();
        expect(rig.buffer.heldPackets).toBe(0);
        expect(rig.buffer.counters.lost).toBe(rig.missing);
      }),
      { numRuns: 300, examples: [[0n, spread]] },
    );
  });

  it('goes on with a source that goes on in order, whatever came before', () => {
    const next = fc.record({ place, offset, gapMs: fc.constantFrom(1, 20, 150) });
    fc.assert(
      fc.property(start, steps, next, (base, schedule, { place: at, offset: by, gapMs }) => {
        const rig = new ReorderRig();
        play(rig, schedule, base);
        let sequence = plus(base, at + BigInt(by));
        // The longest way back: only late packets for a deadline, then those of a young epoch gather for another.
        const patienceMs = 2 * LIMITS.deadlineMs + LIMITS.settleMs + 10 * gapMs;
        for (const until = rig.nowMs + patienceMs; rig.nowMs < until; rig.pass(gapMs)) {
          rig.push(sequence);
          sequence = plus(sequence, 1n);
        }
        for (let i = 0; i < 5; i += 1) {
          rig.push(sequence);
          expect(rig.delivered.at(-1)?.sequence).toBe(sequence);
          sequence = plus(sequence, 1n);
          rig.pass(gapMs);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('does the same whether expire is called when due or far more often', () => {
    fc.assert(
      fc.property(start, steps, (base, schedule) => {
        const rig = new ReorderRig();
        const eager = new ReorderRig();
        play(rig, schedule, base);
        for (const step of schedule) {
          if (step.do === 'pass') {
            for (let ms = 0; ms < step.ms; ms += 1) {
              eager.pass(1);
              eager.buffer.expire(eager.nowMs);
            }
          } else play(eager, [step], base);
          eager.buffer.expire(eager.nowMs);
        }
        expect(eager.delivered).toEqual(rig.delivered);
        expect(eager.buffer.counters).toEqual(rig.buffer.counters);
      }),
      { numRuns: 40 },
    );
  });
});

describe('the model', () => {
  it('agrees, packet by packet and at each time, wherever the rules decide', () => {
    fc.assert(
      fc.property(start, steps, (base, schedule) => {
        const rig = new ReorderRig();
        const model = new ReorderModel(LIMITS);
        let modelMs = 0;
        const passModel = (ms: number): void => {
          const until = modelMs + ms;
          while (model.dueMs <= until) {
            modelMs = Math.max(modelMs, model.dueMs);
            model.expire(modelMs);
          }
          modelMs = until;
        };
        const compare = (at: number): void => {
          const where = `after step ${at}`;
          const epochs = rig.epochs.map((epoch) => epoch.map(({ sequence }) => sequence));
          const nonEmpty = (epoch: readonly bigint[]): boolean => epoch.length > 0;
          expect(epochs.filter(nonEmpty), where).toEqual(model.epochs.filter(nonEmpty));
          const { received, late, stray, jumps, restarts } = rig.buffer.counters;
          const counters = { received, late, stray, jumps, restarts };
          expect(counters, where).toEqual({
            received: model.received,
            late: model.late,
            stray: model.stray,
            jumps: model.jumps,
            restarts: model.restarts,
          });
          expect(rig.buffer.heldPackets, where).toBe(model.heldPackets);
        };
        for (const [at, step] of schedule.entries()) {
          if (step.do === 'connect') {
            rig.connect();
            model.sourceConnected();
          } else if (step.do === 'pass') {
            rig.pass(step.ms);
            passModel(step.ms);
          }
          for (const sequence of sequencesOf(step, base)) {
            if (!model.isSpecified(sequence)) continue;
            rig.push(sequence);
            model.push(sequence, modelMs);
            rig.pass(0);
            passModel(0);
          }
          compare(at);
        }
        rig.drain();
        passModel(1e9);
        compare(schedule.length);
        expect(rig.buffer.counters.lost).toBe(model.lost);
      }),
      { numRuns: 500 },
    );
  });
});
