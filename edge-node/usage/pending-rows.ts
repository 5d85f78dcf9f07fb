import type { UserId } from '../../shared/ids.ts';
import type { ClockStep } from './clock-step.ts';
import { RefusedRows } from './refused-rows.ts';
import type { UsageCell } from './usage-cell.ts';

/**
 * The cells whose submitted growth the store has not confirmed, oldest first, each once however often it grew. Each
 * is in one of three places:
 *
 *     submitted ──▶ ready ──takeReady──▶ being saved ──saved──▶ gone, or ready if it has grown meanwhile
 *                    ▲ ▲                    │    │
 *                    │ └──────failed────────┘    │
 *                    └──rest is over── resting ◀─refused
 *
 * Invariants: a cell is unsaved exactly while submitted > stored, and unspooled exactly while it is unsaved,
 * submitted > spooled and no spool file with it is being written. Times are monotonic milliseconds.
 */
export class PendingRows {
  /** With the time since when each waits. */
  readonly #unsaved = new Map<UsageCell, number>();
  readonly #ready = new Set<UsageCell>();
  readonly #saving = new Set<UsageCell>();
  readonly #refused = new RefusedRows();
  readonly #held = new Set<UserId>();
  readonly #unspooled = new Map<UsageCell, number>();

  get size(): number {
    return this.#unsaved.size;
  }

  /** Since when the oldest cell waits for the store. */
  get oldestSinceMs(): number | undefined {
    return this.#unsaved.values().next().value;
  }

  /** Since when the cell waits for the store. */
  sinceMs(cell: UsageCell): number | undefined {
    return this.#unsaved.get(cell);
  }

  /** Takes a cell's growth up to now. */
  submit(cell: UsageCell, nowMs: number): void {
    cell.submittedMs = cell.deliveredMs;
    if (!this.#unsaved.has(cell)) this.#await(cell, nowMs);
    this.unspool(cell, nowMs);
  }

  /** The next cells to save; the caller answers for each with saved(), refused() or failed(). */
  takeReady(limit: number, nowMs: number): UsageCell[] {
    for (const cell of this.#refused.takeRested(nowMs)) this.#ready.add(cell);
    const taken: UsageCell[] = [];
    for (const cell of this.#ready) {
      if (taken.length === limit) break;
      if (this.#held.has(cell.userId)) continue;
      this.#ready.delete(cell);
      this.#saving.add(cell);
      taken.push(cell);
    }
    return taken;
  }

  /** None of the user's cells are taken to be saved, until letGo(). */
  hold(userId: UserId): void {
    this.#held.add(userId);
  }

  letGo(userId: UserId): void {
    this.#held.delete(userId);
  }

  /** The store has confirmed `storedMs`; what came on top of it meanwhile waits anew. */
  saved(cell: UsageCell, storedMs: number, nowMs: number): void {
    this.#saving.delete(cell);
    this.#refused.forget(cell);
    cell.storedMs = Math.max(cell.storedMs, storedMs);
    if (!this.#unsaved.delete(cell)) return;
    if (cell.submittedMs > cell.storedMs) this.#await(cell, nowMs);
    else this.#unspooled.delete(cell);
  }

  /** The store has taken others and not this one: it rests, so that it is in nobody's way. */
  refused(cell: UsageCell, nowMs: number): void {
    this.#saving.delete(cell);
    if (this.#unsaved.has(cell)) this.#refused.add(cell, nowMs);
  }

  /** The save says nothing of the cell. */
  failed(cell: UsageCell): void {
    this.#saving.delete(cell);
    if (this.#unsaved.has(cell)) this.#ready.add(cell);
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
    if (!this.#unsaved.has(cell) || cell.submittedMs <= cell.spooledMs) return;
    if (!this.#unspooled.has(cell)) this.#unspooled.set(cell, nowMs);
  }

  /** Forgets a cell that is stored elsewhere, or lost. */
  remove(cell: UsageCell): void {
    this.#unsaved.delete(cell);
    this.#ready.delete(cell);
    this.#refused.forget(cell);
    this.#unspooled.delete(cell);
  }

  /** Dates cells anew that no /usage would tell any more after a step of the clock. */
  redate(step: ClockStep, nowMs: number): void {
    for (const cell of this.#unsaved.keys()) {
      if (cell.minute >= step.first) continue;
      cell.redate(step);
      this.submit(cell, nowMs);
    }
  }

  /** All cells, oldest first. The one in hand may be removed. */
  [Symbol.iterator](): IterableIterator<UsageCell> {
    return this.#unsaved.keys();
  }

  #await(cell: UsageCell, nowMs: number): void {
    this.#unsaved.set(cell, nowMs);
    if (!this.#saving.has(cell)) this.#ready.add(cell);
  }
}
