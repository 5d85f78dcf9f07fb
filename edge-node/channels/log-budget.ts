import type { Run } from './run.ts';

/**
 * The memory that logs and held packets of all channels share, and all closed runs in the order in which they closed,
 * so that the oldest of all can be dropped first. The order is a doubly linked list: a log drops its own old runs out
 * of the middle of it.
 */
export class LogBudget {
  readonly #limitBytes: number;
  #usedBytes = 0;
  #oldest: Run | undefined;
  #newest: Run | undefined;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Drops the oldest runs of all, until the memory suffices or no run is left. */
  dropRuns(): void {
    while (this.isExceeded && this.#oldest !== undefined) this.#oldest.owner.dropOldest();
  }

  get isExceeded(): boolean {
    return this.#usedBytes > this.#limitBytes;
  }

  get oldest(): Run | undefined {
    return this.#oldest;
  }

  /** Takes (or, below 0, gives back) bytes. */
  take(bytes: number): void {
    this.#usedBytes += bytes;
  }

  add(run: Run): void {
    run.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = run;
    else this.#newest.newer = run;
    this.#newest = run;
  }

  remove(run: Run): void {
    if (run.older === undefined) this.#oldest = run.newer;
    else run.older.newer = run.newer;
    if (run.newer === undefined) this.#newest = run.older;
    else run.newer.older = run.older;
    run.older = undefined;
    run.newer = undefined;
    this.#usedBytes -= run.costBytes;
  }
}
