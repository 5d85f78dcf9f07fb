/** Work that is due every so often, and never under way twice at once. Times are monotonic milliseconds. */
export class Periodic {
  #dueMs = 0;
  #running: Promise<void> | undefined;

  /** Settles with what is under way; undefined: nothing is. */
  get running(): Promise<void> | undefined {
    return this.#running;
  }

  /** Begins `work` if it is due, and is due again `everyMs` later. */
  begin(nowMs: number, everyMs: number, work: () => Promise<void>): void {
    if (this.#running !== undefined || nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + everyMs;
    this.#running = work().finally(() => {
      this.#running = undefined;
    });
  }

  /** Is due at that time at the latest. */
  hasten(atMs: number): void {
    this.#dueMs = Math.min(this.#dueMs, atMs);
  }
}
