import type { UsageCell } from './meter.ts';

/**
 * The cells whose submitted growth the store has not confirmed, oldest first, each once however often it grew.
 *
 * Invariants: a cell is unsaved exactly while submitted > stored, and unspooled exactly while it is unsaved,
 * submitted > spooled and no spool file with it is being written. Times are monotonic milliseconds.
 */
export class PendingRows {
  readonly #unsaved = new Map<UsageCell, number>();
  readonly #unspooled = new Map<UsageCell, number>();
  readonly #saving = new Set<UsageCell>();

  get size(): number {
    return this.#unsaved.size;
  }

  /** Since when the oldest cell waits for the store. */
  get oldestSinceMs(): number | undefined {
    return this.#unsaved.values().next().value;
  }

  /** Takes a cell's growth up to now. */
  submit(cell: UsageCell, nowMs: number): void {
    cell.submittedMs = cell.deliveredMs;
    if (!this.#unsaved.has(cell)) this.#unsaved.set(cell, nowMs);
    this.unspool(cell, nowMs);
  }

  /** The oldest cells that no save is under way for; the caller answers with saved() or notSaved(). */
  takeUnsaved(limit: number): UsageCell[] {
    const taken: UsageCell[] = [];
    for (const cell of this.#unsaved.keys()) {
      if (taken.length === limit) break;
      if (this.#saving.has(cell)) continue;
      this.#saving.add(cell);
      taken.push(cell);
    }
    return taken;
  }

  /** The store has confirmed `storedMs`; what came on top of it meanwhile waits anew. */
  saved(cell: UsageCell, storedMs: number, nowMs: number): void {
    this.#saving.delete(cell);
    cell.storedMs = Math.max(cell.storedMs, storedMs);
    if (!this.#unsaved.delete(cell)) return;
    if (cell.submittedMs > cell.storedMs) this.#unsaved.set(cell, nowMs);
    else this.#unspooled.delete(cell);
  }

  notSaved(cell: UsageCell): void {
    this.#saving.delete(cell);
  }

  /** Cells that have been unspooled since `sinceMs` or longer; the caller puts them back if it fails to spool them. */
  takeUnspooled(sinceMs: number, limit: number): UsageCell[] {
    const taken: UsageCell[] = [];
    for (const [cell, since] of this.#unspooled) {
      if (since > sinceMs || taken.length === limit) break;
      taken.push(cell);
    }
    for (const cell of taken) this.#unspooled.delete(cell);
    return taken;
  }

  /** The cell, if it still waits for the store, needs a spool file from now on. */
  unspool(cell: UsageCell, nowMs: number): void {
    if (this.#unsaved.has(cell) && !this.#unspooled.has(cell)) this.#unspooled.set(cell, nowMs);
  }

  /** Forgets a cell that is stored elsewhere, or lost. */
  remove(cell: UsageCell): void {
    this.#unsaved.delete(cell);
    this.#unspooled.delete(cell);
  }

  /** All cells, oldest first. The one in hand may be removed. */
  [Symbol.iterator](): IterableIterator<UsageCell> {
    return this.#unsaved.keys();
  }
}
