import { forEachBounded } from './in-flight.ts';
import type { RefusedRow, UsageRow } from './store.ts';

/**
 * Saves each row for itself, at most `limit` at a time, and tells which were refused.
 *
 * An error concerns either the one row, or, where `isOfEngine` says so, the engine as a whole. While every row so far has
 * failed with an error of the engine, no further row is tried: each would only wait for its time limit.
 * @throws that error where the engine has answered to no row at all
 */
export async function saveEach<T extends UsageRow>(
  rows: readonly T[],
  limit: number,
  save: (row: T) => Promise<unknown>,
  isOfEngine: (error: Error) => boolean,
): Promise<RefusedRow[]> {
  const refused: RefusedRow[] = [];
  let hasAnswered = false;
  let begun = 0;
  function* whileItMakesSense(): Generator<T> {
    while (begun < rows.length && (hasAnswered || refused.length === 0)) {
      begun += 1;
      yield rows[begun - 1] as T;
    }
  }
  await forEachBounded(whileItMakesSense(), limit, async (row) => {
    try {
      await save(row);
      hasAnswered = true;
    } catch (cause) {
      const error = cause as Error;
      refused.push({ row, error });
      hasAnswered ||= !isOfEngine(error);
    }
  });
  const [first] = refused;
  if (first === undefined) return [];
  if (!hasAnswered) throw first.error;
  return [...refused, ...rows.slice(begun).map((row) => ({ row, error: first.error }))];
}
