import { StoreAwayError } from '../errors.ts';

/** The calls under way. Once closing has begun new ones are refused; closing ends when the last has settled. */
export class InFlight {
  readonly #calls = new Set<Promise<unknown>>();
  #closing = false;

  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new StoreAwayError('the store is closed');
    const running = call();
    this.#calls.add(running);
    try {
      return await running;
    } finally {
      this.#calls.delete(running);
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.allSettled(this.#calls);
  }
}

/**
 * Runs `work` on each item, at most `limit` at a time. After a failure none is begun any more; it rejects with that
 * failure when those under way have settled.
 */
export async function forEachBounded<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const failures: unknown[] = [];
  async function workThrough(): Promise<void> {
    while (failures.length === 0) {
      const next = iterator.next();
      if (next.done) return;
      await work(next.value).catch((error: unknown) => failures.push(error));
    }
  }
  await Promise.all(Array.from({ length: limit }, workThrough));
  if (failures.length > 0) throw failures[0];
}
