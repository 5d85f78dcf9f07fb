import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomOf } from '../../testing/random.ts';
import { MergeRig } from '../testing/merge-rig.ts';

/** `npm run test:fleet` tries more. */
const CASES = process.env.E2E_LONG === '1' ? 5_000 : 300;
const PACKET_MS = 20;

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** Sources bring these sequences, one every PACKET_MS, each source so many packets behind the first. */
function play(rig: MergeRig, sequences: readonly number[], lags: readonly number[], fromMs = 0) {
  const end = sequences.length + Math.max(...lags);
  for (let step = 0; step < end; step += 1) {
    rig.at(fromMs + step * PACKET_MS);
    for (const [source, lag] of lags.entries()) {
      const sequence = sequences[step - lag];
      if (sequence !== undefined) rig.bring(source, sequence);
    }
  }
  return fromMs + end * PACKET_MS;
}

describe('merged sources', () => {
  it('are one stream: each packet goes on once, and repeats of the other are no faults', () => {
    const rig = new MergeRig();
    play(rig, range(1000, 3000), [0, 3]);
    expect(rig.delivered).toEqual(range(1000, 3000).map(String));
    const { late, lost, stray, jumps, restarts } = rig.reorder.counters;
    expect({ late, lost, stray, jumps, restarts }).toEqual({
      late: 0,
      lost: 0,
      stray: 0,
      jumps: 0,
      restarts: 0,
    });
    expect(rig.merge.duplicates).toBe(2000);
    expect(rig.sources.counts.map(({ duplicates }) => duplicates)).toEqual([0, 2000]);
  });

  it('tell which of them alone brought a packet', () => {
    const rig = new MergeRig();
    const sequences = range(0, 2000);
    for (const sequence of sequences) {
      rig.at(sequence * PACKET_MS);
      if (sequence % 100 !== 7) rig.bring(0, sequence);
      if (sequence % 50 !== 3) rig.bring(1, sequence);
    }
    expect(rig.delivered).toEqual(sequences.map(String));
    // The last 256 are not judged yet.
    expect(rig.sources.counts.map(({ only }) => only)).toEqual([35, 18]);
  });

  it('that lag by seconds are waited for when the one ahead is lost: nothing comes twice, nothing is left out', () => {
    const rig = new MergeRig();
    const lag = 250;
    for (let step = 0; step < 2000; step += 1) {
      rig.at(step * PACKET_MS);
      if (step === 1000) rig.lose(0);
      if (step < 1000) rig.bring(0, step);
      if (step >= lag) rig.bring(1, step - lag);
    }
    expect(rig.delivered).toEqual(range(0, 2000 - lag).map(String));
    expect(rig.reorder.counters).toMatchObject({ jumps: 0, restarts: 0, lost: 0, late: 0 });
  });

  it('are no new connection to the channel while another holds it: a gap waits for it as long as ever', () => {
    const rig = new MergeRig();
    const sinceMs = play(rig, range(0, 100), [0, 0]);
    rig.lose(0);
    rig.bring(1, 101);
    rig.connect(0);
    rig.at(sinceMs + 900);
    rig.bring(0, 100);
    expect(rig.delivered).toEqual(range(0, 102).map(String));
  });

  it('start again from 0, and the other goes on: the channel stays with it', () => {
    const rig = new MergeRig();
    for (const before of [50, 5000]) {
      const sinceMs = play(rig, range(before - 50, before), [0, 0], before * PACKET_MS);
      rig.lose(0);
      rig.connect(0);
      for (const step of range(0, 40)) {
        rig.at(sinceMs + step * PACKET_MS);
        rig.bring(0, step, 'other');
        rig.bring(1, before + step);
      }
      expect(rig.delivered).not.toContain('other');
      expect(rig.delivered.at(-1)).toBe(String(before + 39));
    }
    expect(rig.sources.counts[0]?.disagreeing).toBe(40);
    expect(rig.merge.takeDisagreeing()).toEqual([]);
  });

  it('that disagree do not alternate: the one in use goes on, and the other takes over when it is lost', () => {
    const rig = new MergeRig();
    for (const step of range(0, 500)) {
      rig.at(step * PACKET_MS);
      // In bursts, so that five of the other come between two of the first.
      if (step % 10 === 0) for (const i of range(0, 10)) rig.bring(0, step + i);
      if (step % 10 === 5) for (const i of range(0, 10)) rig.bring(1, 1e6 + step + i);
    }
    expect(rig.delivered).toEqual(range(0, 500).map(String));
    expect(rig.merge.takeDisagreeing()).toEqual([1]);
    rig.lose(0);
    for (const step of range(500, 600)) {
      rig.at(step * PACKET_MS);
      rig.bring(1, 1e6 + step);
    }
    rig.at(700 * PACKET_MS);
    expect(rig.delivered.slice(500)).toEqual(range(1e6 + 500, 1e6 + 600).map(String));
    expect(rig.reorder.counters.jumps).toBe(1);
    expect(rig.merge.takeDisagreeing()).toEqual([]);
  });

  it('jump together when their stream does, with nothing lost', () => {
    const rig = new MergeRig();
    const sequences = [...range(0, 100), ...range(50_000, 50_200)];
    const sinceMs = play(rig, sequences, [0, 4]);
    rig.at(sinceMs + 2000);
    expect(rig.delivered).toEqual(sequences.map(String));
    expect(rig.reorder.counters).toMatchObject({ jumps: 1, restarts: 0, lost: 0 });
  });

  it('of which one alone is left behave as one: it starts again from 0 on a new connection', () => {
    const rig = new MergeRig();
    const sinceMs = play(rig, range(0, 50), [0, 0]);
    rig.lose(1);
    rig.lose(0);
    rig.connect(0);
    const next = play(rig, range(0, 60), [0], sinceMs);
    rig.at(next + 2000);
    expect(rig.delivered).toEqual([...range(0, 50), ...range(0, 60)].map(String));
  });

  it('deliver all that one of them brought, and nothing twice, however they lose, lag and break off', () => {
    const source = fc.record({
      lag: fc.integer({ min: 0, max: 40 }),
      lossPercent: fc.constantFrom(0, 1, 10, 50),
      swaps: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(source, { minLength: 2, maxLength: 4 }),
        fc.array(fc.integer({ min: 3, max: 120 }), { maxLength: 12 }),
        fc.integer(),
        (sources, outages, seed) => {
          const random = randomOf(seed);
          const rig = new MergeRig(sources.length);
          const downs = downTimes(outages, sources.length);
          const brought = new Set<number>();
          const steps = 1500;
          for (let step = 0; step < steps; step += 1) {
            rig.at(step * PACKET_MS);
            for (const [number, { lag, lossPercent, swaps }] of sources.entries()) {
              const isDown = downs.some(
                (down) => down.source === number && step >= down.from && step < down.to,
              );
              if (isDown === rig.sources.isConnected(number))
                isDown ? rig.lose(number) : rig.connect(number);
              const at = step - lag;
              const sequence = swaps && at >= 0 ? at ^ 1 : at;
              if (isDown || sequence < 0 || random() * 100 < lossPercent) continue;
              // What is behind the first packets of all was never there for anybody.
              rig.bring(number, sequence);
              brought.add(sequence);
            }
          }
          rig.at(steps * PACKET_MS + 5000);
          const got = rig.delivered.map(Number);
          expect(got).toEqual(got.toSorted((a, b) => a - b));
          expect(new Set(got).size).toBe(got.length);
          const first = got[0] ?? 0;
          expect(got).toEqual([...brought].filter((each) => each >= first).sort((a, b) => a - b));
          expect(first).toBeLessThan(50);
          const { received, ordered, late, stray, jumps, restarts } = rig.reorder.counters;
          expect({ late, stray, jumps, restarts }).toEqual({
            late: 0,
            stray: 0,
            jumps: 0,
            restarts: 0,
          });
          expect([received, rig.merge.late]).toEqual([ordered, 0]);
        },
      ),
      { numRuns: CASES },
    );
  }, 300_000);
});

/** Outages one after the other, so that one source is always there. */
function downTimes(lengths: readonly number[], sources: number) {
  let from = 60;
  return lengths.map((length, i) => {
    const down = { source: i % sources, from, to: from + length };
    from += length + 45;
    return down;
  });
}
