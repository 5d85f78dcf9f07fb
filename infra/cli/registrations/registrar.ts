import { setTimeout as sleep } from 'node:timers/promises';
import type { UserId } from '../../../shared/ids.ts';
import type { Store } from '../../../shared/store/store.ts';

/** Registrations under way at once: few enough that none waits for the others in a store that is slow. */
const AT_ONCE = 16;
/** Before another attempt; the last of them is that of a store that is away. */
const RETRY_AFTER_MS = [200, 1_000, 5_000, 10_000];

/** Registers many users; one that fails is tried again, and after that everything ends. */
export class Registrar {
  readonly #store: Store;
  readonly #underWay = new Set<Promise<void>>();
  #failure: Error | undefined;
  /** Registered so far. */
  count = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Waits while enough are under way. @throws what one of those before came to */
  async add(userId: UserId): Promise<void> {
    while (this.#underWay.size >= AT_ONCE) await Promise.race(this.#underWay);
    if (this.#failure) throw this.#failure;
    const registering = this.#register(userId)
      .catch((error: Error) => {
        this.#failure ??= error;
      })
      .finally(() => this.#underWay.delete(registering));
    this.#underWay.add(registering);
  }

  async done(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.#failure) throw this.#failure;
  }

  async close(): Promise<void> {
    await Promise.all(this.#underWay);
    await this.#store.close();
  }

  async #register(userId: UserId): Promise<void> {
    for (const ms of RETRY_AFTER_MS) {
      if (this.#failure) return;
      try {
        await this.#store.register(userId);
        this.count += 1;
        return;
      } catch {
        await sleep(ms);
      }
    }
    await this.#store.register(userId);
    this.count += 1;
  }
}
