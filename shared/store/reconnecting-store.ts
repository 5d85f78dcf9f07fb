import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf, StoreAwayError, StoreSetupError } from '../errors.ts';
import type { EdgeAddress, Minute, UserId } from '../ids.ts';
import { STORE_AWAY_LOG_MS, STORE_OPEN_TIMEOUT_MS, STORE_RETRY_MS } from '../limits.ts';
import type { Logger } from '../logger.ts';
import { TimeLimitError, withTimeout } from '../with-timeout.ts';
import type { ChannelUsage, RefusedRow, Store, UsageRow } from './store.ts';

/**
 * Makes one attempt to open a store. It may call `lost` once that store can serve no more; it is then closed, and
 * another attempt made.
 * @throws StoreSetupError when the store can never serve as it is set; any other error when it is away
 */
export type Connect = (lost: (reason: Error) => void) => Promise<Store>;

/** A store that may be away: while it is, every call rejects at once, and the log says every 10 s what is waited for. */
class ReconnectingStore implements Store {
  readonly #connect: Connect;
  readonly #logger: Logger;
  readonly #name: string;
  readonly #stop = new AbortController();
  #store: Store | undefined;
  #reason: unknown;
  #reconnecting: Promise<void> = Promise.resolve();

  constructor(connect: Connect, logger: Logger, name: string) {
    this.#connect = connect;
    this.#logger = logger;
    this.#name = name;
  }

  async open(): Promise<void> {
    try {
      await this.#attempt();
    } catch (error) {
      if (error instanceof StoreSetupError) throw error;
      this.#reason = error;
      this.#reconnecting = this.#reconnect();
    }
  }

  /**
   * One attempt. It counts as failed, too, if the store is lost before it is open. An attempt that hangs (looking up a
   * name, or waiting for credentials) is given up, and a store that it brings later is closed.
   */
  async #attempt(): Promise<void> {
    let lostBy: Error | undefined;
    let store: Store | undefined;
    const connecting = this.#connect((reason) => {
      lostBy ??= reason;
      if (store !== undefined && this.#store === store) this.#lose(store, reason);
    });
    try {
      store = await withTimeout(connecting, STORE_OPEN_TIMEOUT_MS);
    } catch (error) {
      if (error instanceof TimeLimitError) connecting.then((late) => late.close()).catch(() => {});
      throw error;
    }
    if (lostBy !== undefined) {
      await store.close();
      throw lostBy;
    }
    this.#store = store;
  }

  #lose(store: Store, reason: Error): void {
    this.#store = undefined;
    this.#reason = reason;
    const closed = store.close();
    this.#reconnecting = Promise.allSettled([closed, this.#reconnect()]).then(() => {});
  }

  async #reconnect(): Promise<void> {
    const { signal } = this.#stop;
    const since = performance.now();
    let nextLine = since;
    while (!signal.aborted) {
      const now = performance.now();
      if (now >= nextLine) {
        const reason = reasonOf(this.#reason);
        const seconds = Math.round((now - since) / 1000);
        this.#logger.error({ reason, seconds }, `waiting for the store: ${this.#name}`);
        nextLine += STORE_AWAY_LOG_MS;
      }
      await sleep(STORE_RETRY_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        await this.#attempt();
        this.#logger.info(`connected to the store: ${this.#name}`);
        return;
      } catch (error) {
        this.#reason = error;
      }
    }
  }

  #get(): Store {
    if (this.#store) return this.#store;
    throw new StoreAwayError('the store is away', { cause: this.#reason });
  }

  async register(userId: UserId): Promise<void> {
    await this.#get().register(userId);
  }

  async unregister(userId: UserId, minute: Minute): Promise<void> {
    await this.#get().unregister(userId, minute);
  }

  async forgetUsage(userId: UserId, minute: Minute, since: Minute): Promise<boolean> {
    return this.#get().forgetUsage(userId, minute, since);
  }

  async isRegistered(userId: UserId): Promise<boolean> {
    return this.#get().isRegistered(userId);
  }

  async saveUsage(rows: readonly UsageRow[]): Promise<readonly RefusedRow[]> {
    return this.#get().saveUsage(rows);
  }

  async readUsage(
    userId: UserId,
    from: Minute,
    signal?: AbortSignal,
  ): Promise<readonly ChannelUsage[]> {
    return this.#get().readUsage(userId, from, signal);
  }

  async announce(address: EdgeAddress, text: string, lifeSeconds: number): Promise<void> {
    await this.#get().announce(address, text, lifeSeconds);
  }

  async withdraw(address: EdgeAddress): Promise<void> {
    await this.#get().withdraw(address);
  }

  async readAnnouncements(): Promise<readonly string[]> {
    return this.#get().readAnnouncements();
  }

  async ping(): Promise<void> {
    await this.#get().ping();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#reconnecting;
    await this.#store?.close();
  }
}

/**
 * The store that `connect` brings: at once, or if it is merely away, as soon as it can be reached.
 * @throws StoreSetupError from the first attempt. In later ones it is only the reason in the log, since a process that
 *   serves users must not end for it
 */
export async function openReconnecting(
  connect: Connect,
  logger: Logger,
  name: string,
): Promise<Store> {
  const store = new ReconnectingStore(connect, logger, name);
  await store.open();
  return store;
}
