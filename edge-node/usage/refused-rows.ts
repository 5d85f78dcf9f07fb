import type { UsageCell } from './usage-cell.ts';

/** How long a row rests after it was refused 1, 2, … times in a row. */
const RESTS_MS = [1, 2, 4, 8, 16, 32, 64].map((seconds) => seconds * 1_000);

/**
 * Cells whose rows the store has refused one by one, at rest until they are tried again, each by its own count. Times
 * are monotonic milliseconds.
 */
export class RefusedRows {
  /** Refusals in a row, of resting cells and of those that are tried again. */
  readonly #refusals = new Map<UsageCell, number>();
  /** By the length of their rest, so that each map is in the order of its due times. */
  readonly #resting = RESTS_MS.map(() => new Map<UsageCell, number>());

  add(cell: UsageCell, nowMs: number): void {
    const refusals = this.#refusals.get(cell) ?? 0;
    const step = Math.min(refusals, RESTS_MS.length - 1);
    this.#refusals.set(cell, refusals + 1);
    this.#resting[step]?.set(cell, nowMs + (RESTS_MS[step] ?? 0));
  }

  /** Takes the cells whose rest is over. Their refusals are remembered until forget(). */
  *takeRested(nowMs: number): Generator<UsageCell> {
    for (const resting of this.#resting) {
      for (const [cell, dueMs] of resting) {
        if (dueMs > nowMs) break;
        resting.delete(cell);
        yield cell;
      }
    }
  }

  /** The cell is stored, or gone. */
  forget(cell: UsageCell): void {
    if (!this.#refusals.delete(cell)) return;
    for (const resting of this.#resting) resting.delete(cell);
  }
}
