import { withTimeout } from '../../shared/with-timeout.ts';

/** A counting semaphore: so many may do something at once, and the others wait in the order in which they came. */
export class Permits {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(permits: number) {
    this.#free = permits;
  }

  tryTake(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  /** @throws TimeLimitError where none was given back in time */
  async take(limitMs: number): Promise<void> {
    if (this.tryTake()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    try {
      await withTimeout(promise, limitMs);
    } catch (error) {
      // Given one in the very moment when the time was up: it is passed on.
      if (!this.#waiting.delete(resolve)) this.giveBack();
      throw error;
    }
  }

  giveBack(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next();
      return;
    }
    this.#free += 1;
  }
}
