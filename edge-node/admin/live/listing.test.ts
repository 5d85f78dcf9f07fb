import fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemClock } from '../../../shared/clock.ts';
import { pageOf } from './listing.ts';

interface Item {
  readonly name: string;
  readonly size: number;
}

const item = fc.record({ name: fc.stringMatching(/^[abAB]{0,3}$/), size: fc.integer({ max: 5 }) });

test('a page is the part of the sorted list that fits, however many items there are', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { maxLength: 3_000, size: 'max' }),
      fc.record({
        search: fc.constantFrom('', 'a', 'ab'),
        by: fc.constantFrom('name' as const, 'size' as const),
        isDescending: fc.boolean(),
        offset: fc.nat({ max: 50 }),
        limit: fc.nat({ max: 20 }),
      }),
      async (items, query) => {
        const page = await pageOf(items, systemClock(), {
          query,
          keyOf: (each: Item) => each[query.by],
          texts: ({ name }) => [name],
          row: (each) => each,
        });
        const { search, by, isDescending, offset, limit } = query;
        const fitting = items.filter(({ name }) => name.toLowerCase().includes(search));
        const rank = (one: Item, other: Item) =>
          one[by] === other[by] ? 0 : one[by] < other[by] === isDescending ? 1 : -1;
        const rows = fitting.toSorted(rank).slice(offset, offset + limit);
        expect(page).toEqual({ total: items.length, matched: fitting.length, offset, rows });
      },
    ),
    { numRuns: 50 },
  );
});
