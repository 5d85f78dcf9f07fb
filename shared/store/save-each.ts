import { forEachBounded } from './in-flight.ts';
import type { RefusedRow, UsageRow } from './store.ts';

/**
 * Saves each row for itself, at most `limit` at a time, and tells which were refused.
 *
 * An engine that answers refuses a row for that row's own reasons. An error that `isOfEngine` speaks of the engine as a
 * whole: where rows meet only such errors, and none has been taken, trying the rest would only wait longer.
 * @throws that error then
 */
export async function saveEach<T extends UsageRow>(
  rows: readonly T[],
  limit: number,
  save: (row: T) => Promise<unknown>,
  isOfEngine: (error: Error) => boolean,
): Promise<RefusedRow[]> {
  const refused: RefusedRow[] = [];
  let hasAnswered = false;
  await forEachBounded(rows, limit, async (row) => {
    try {
      await save(row);
      hasAnswered = true;
    } catch (cause) {
      const error = cause as Error;
      refused.push({ row, error });
      hasAnswered ||= !isOfEngine(error);
      if (!hasAnswered && refused.length >= limit) throw error;
    }
  });
  const [first] = refused;
  if (first !== undefined && !hasAnswered) throw first.error;
  return refused;
}
