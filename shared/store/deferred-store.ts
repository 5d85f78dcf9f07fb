import { setTimeout as sleep } from 'node:timers/promises';
import { StoreSetupError } from '../errors.ts';
import type { Minute, UserId } from '../ids.ts';
import { STORE_AWAY_LOG_MS, STORE_RETRY_MS } from '../limits.ts';
import type { Logger } from '../logger.ts';
import type { Store, UsageEntry, UsageRow } from './store.ts';

/** A store that was away when it was opened: every call rejects until `connect` brings the real one. */
class DeferredStore implements Store {
  readonly #stop = new AbortController();
  readonly #connecting: Promise<void>;
  #store: Store | undefined;
  #reason: Error;

  constructor(connect: () => Promise<Store>, reason: Error, logger: Logger, name: string) {
    this.#reason = reason;
    this.#connecting = this.#connect(connect, logger, name);
  }

  async #connect(connect: () => Promise<Store>, logger: Logger, name: string): Promise<void> {
    const since = performance.now();
    let nextLine = since;
    while (!this.#stop.signal.aborted) {
      const now = performance.now();
      if (now >= nextLine) {
        const seconds = Math.round((now - since) / 1000);
        logger.error({ err: this.#reason.message, seconds }, `waiting for the store: ${name}`);
        nextLine = now + STORE_AWAY_LOG_MS;
      }
      await sleep(STORE_RETRY_MS, undefined, { signal: this.#stop.signal }).catch(() => {});
      if (this.#stop.signal.aborted) return;
      try {
        this.#store = await connect();
        logger.info({}, `the store is there: ${name}`);
        return;
      } catch (error) {
        this.#reason = error as Error;
      }
    }
  }

  #get(): Store {
    if (this.#store) return this.#store;
    throw new Error('the store is away', { cause: this.#reason });
  }

  async register(userId: UserId): Promise<void> {
    await this.#get().register(userId);
  }

  async isRegistered(userId: UserId): Promise<boolean> {
    return this.#get().isRegistered(userId);
  }

  async saveUsage(rows: readonly UsageRow[]): Promise<void> {
    await this.#get().saveUsage(rows);
  }

  async readUsage(userId: UserId, from: Minute): Promise<UsageEntry[]> {
    return this.#get().readUsage(userId, from);
  }

  async ping(): Promise<void> {
    await this.#get().ping();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#connecting;
    await this.#store?.close();
  }
}

/**
 * The store that `connect` brings, or, if it is away just now, one that rejects every call until it is there. It is
 * tried every second, and a line every ten says which store is waited for.
 * @param connect rejects with a StoreSetupError when the store can never serve as it is set
 * @throws StoreSetupError from the first attempt; from later ones it is but the reason in the lines, since a process
 *   that already serves users must not end for it
 */
export async function connectOrDefer(
  connect: () => Promise<Store>,
  logger: Logger,
  name: string,
): Promise<Store> {
  try {
    return await connect();
  } catch (error) {
    if (error instanceof StoreSetupError) throw error;
    return new DeferredStore(connect, error as Error, logger, name);
  }
}
