import { HELD_SHARE, PINNED_SHARE } from '../../shared/limits.ts';
import { AgeList } from '../ordering/age-list.ts';
import type { Run } from './run.ts';

/**
 * The memory that logs and held packets of all channels share, and all closed runs in the order in which they closed,
 * so that the oldest of all can be dropped first. A log drops its own old runs out of the middle of that order.
 *
 * A run that its log has dropped while writes to users still hold it is charged as before, as pinned. Over the limit
 * pinned runs keep PINNED_SHARE of it; past that the users who hold the oldest of them are cut off, so that many who do
 * not read cannot empty the logs of those who do.
 */
export class LogBudget {
  readonly #limitBytes: number;
  #usedBytes = 0;
  #heldBytes = 0;
  readonly #runs = new AgeList<Run>();
  /** Dropped by their logs, held by writes; in the order of dropping. */
  readonly #pinned = new Set<Run>();
  #pinnedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Part of usedBytes that only writes to users still hold. */
  get pinnedBytes(): number {
    return this.#pinnedBytes;
  }

  /** Part of usedBytes that waits out of order. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** What may wait out of order where memory is short. */
  get heldLimitBytes(): number {
    return HELD_SHARE * this.#limitBytes;
  }

  /** Frees the oldest runs of all, pinned or kept, until the memory suffices or no run is left. */
  dropRuns(): void {
    while (this.isExceeded) {
      const isPinnedTooMuch = this.#pinnedBytes > PINNED_SHARE * this.#limitBytes;
      if (this.oldest !== undefined && !isPinnedTooMuch) this.oldest.owner.dropOldest();
      else if (!this.#freeOldestPinned()) return;
    }
  }

  get isExceeded(): boolean {
    return this.#usedBytes > this.#limitBytes;
  }

  get oldest(): Run | undefined {
    return this.#runs.oldest;
  }

  /** Takes (or, below 0, gives back) bytes. */
  take(bytes: number): void {
    this.#usedBytes += bytes;
  }

  /** Takes (or, below 0, gives back) bytes that wait out of order. */
  hold(bytes: number): void {
    this.#heldBytes += bytes;
    this.#usedBytes += bytes;
  }

  add(run: Run): void {
    this.#runs.add(run);
  }

  remove(run: Run): void {
    this.#runs.remove(run);
    this.#usedBytes -= run.costBytes;
  }

  /** A run was dropped by its log while writes hold it. */
  pin(run: Run): void {
    this.#pinned.add(run);
    this.#pinnedBytes += run.costBytes;
    this.#usedBytes += run.costBytes;
  }

  /** No write holds it any more. */
  unpin(run: Run): void {
    if (!this.#pinned.delete(run)) return;
    this.#pinnedBytes -= run.costBytes;
    this.#usedBytes -= run.costBytes;
  }

  /** @returns whether there was one */
  #freeOldestPinned(): boolean {
    for (const run of this.#pinned) {
      run.owner.cutOff(run);
      this.unpin(run); // its users are cut off; unpinned in any case, or dropRuns would never end
      return true;
    }
    return false;
  }
}
