import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Disorder, type DisorderOptions } from './disorder.ts';

const anyOptions = fc.record({
  window: fc.nat(40),
  lossPercent: fc.integer({ min: 0, max: 30 }),
  duplicationPercent: fc.integer({ min: 0, max: 30 }),
  seed: fc.nat(),
});

/** What comes out of the items 0 to count-1, each with the number of items pushed by then. */
function run(options: DisorderOptions, count: number) {
  const disorder = new Disorder<number>(options);
  const out: { item: number; pushed: number }[] = [];
  for (let item = 0; item < count; item++) {
    for (const released of disorder.push(item)) out.push({ item: released, pushed: item + 1 });
  }
  for (const released of disorder.flush()) out.push({ item: released, pushed: count });
  return { out, lost: disorder.lost, duplicates: disorder.duplicates };
}

describe('disorder', () => {
  it('lets everything out but what it names as lost, and nothing twice but what it counts', () => {
    fc.assert(
      fc.property(anyOptions, fc.nat(300), (options, count) => {
        const { out, lost, duplicates } = run(options, count);
        const once = new Set(out.map(({ item }) => item));
        const all = [...once, ...lost].toSorted((a, b) => a - b);
        expect(all).toEqual(Array.from({ length: count }, (_, item) => item));
        expect(out.length).toBe(once.size + duplicates);
      }),
    );
  });

  it('delays nothing beyond its window, and does the same again under the same seed', () => {
    fc.assert(
      fc.property(anyOptions, fc.nat(300), (options, count) => {
        const { out } = run(options, count);
        for (const { item, pushed } of out) {
          expect(pushed - 1 - item).toBeLessThanOrEqual(Math.max(0, options.window - 1));
        }
        expect(run(options, count).out).toEqual(out);
      }),
    );
  });

  it('keeps the order without a window, and loses it with one', () => {
    const options = { window: 0, lossPercent: 0, duplicationPercent: 0, seed: 1 };
    const items = (window: number) => run({ ...options, window }, 200).out.map(({ item }) => item);
    const inOrder = Array.from({ length: 200 }, (_, item) => item);
    expect(items(0)).toEqual(inOrder);
    expect(items(1)).toEqual(inOrder);
    expect(items(16)).not.toEqual(inOrder);
  });

  it('loses and repeats about as much as it is told', () => {
    const options = { window: 16, lossPercent: 2, duplicationPercent: 5, seed: 7 };
    const { lost, duplicates } = run(options, 10_000);
    expect(lost.length).toBeGreaterThan(100);
    expect(lost.length).toBeLessThan(300);
    expect(duplicates).toBeGreaterThan(300);
    expect(duplicates).toBeLessThan(700);
  });
});
