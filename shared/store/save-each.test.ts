import { expect, test } from 'vitest';
import { StoreAwayError } from '../errors.ts';
import type { WriterId } from '../ids.ts';
import { saveEach } from './save-each.ts';
import { usageRow } from './testing/usage-row.ts';

const rows = Array.from({ length: 10 }, (_, i) => usageRow({ writerId: `w${i}` as WriterId }));
const away = new StoreAwayError('away');
const bad = new RangeError('bad');
const isOfEngine = (error: Error) => error === away;

/** What becomes of each row, in order: it is taken after so many turns, or fails then. */
function saving(fates: readonly (undefined | Error)[]) {
  const begun: number[] = [];
  const save = async (row: (typeof rows)[number]) => {
    const at = rows.indexOf(row);
    begun.push(at);
    await new Promise(setImmediate);
    if (fates[at]) throw fates[at];
  };
  return { begun, outcome: saveEach(rows, 2, save, isOfEngine) };
}

test('rows that are refused for their own reasons stop no other', async () => {
  const { outcome, begun } = saving([bad, bad, bad, undefined, bad]);
  expect((await outcome).map(({ row }) => rows.indexOf(row))).toEqual([0, 1, 2, 4]);
  expect(begun).toHaveLength(10);
});

test('an engine that answers nothing is not asked for more than was under way', async () => {
  const { outcome, begun } = saving(Array(10).fill(away));
  await expect(outcome).rejects.toBe(away);
  expect(begun).toEqual([0, 1]);
});

test('an engine that has answered is asked for the rest, whatever some rows met', async () => {
  const { outcome, begun } = saving([undefined, away, away]);
  expect((await outcome).map(({ row }) => rows.indexOf(row))).toEqual([1, 2]);
  expect(begun).toHaveLength(10);
});

test('every row is taken or refused, also those that were not begun', async () => {
  const fates = [away, undefined];
  const begun: number[] = [];
  const save = async (row: (typeof rows)[number]) => {
    const at = rows.indexOf(row);
    begun.push(at);
    // The first fails at once; the second answers when no third was begun any more.
    if (at === 1) for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    if (fates[at]) throw fates[at];
  };
  const refused = await saveEach(rows, 2, save, isOfEngine);
  const taken = rows.filter((row) => !refused.some((outcome) => outcome.row === row));
  expect(taken.map((row) => rows.indexOf(row))).toEqual(begun.filter((at) => !fates[at]));
});
