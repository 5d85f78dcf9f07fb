import { type Announcement, announcementText } from '../../shared/edges/announcement.ts';
import { asError } from '../../shared/errors.ts';
import type { EdgeAddress } from '../../shared/ids.ts';
import { ANNOUNCE_MS, ANNOUNCEMENT_LIFE_MS, STORE_TIMEOUT_MS } from '../../shared/limits.ts';
import type { LogLimiter } from '../../shared/logger.ts';
import type { Store } from '../../shared/store/store.ts';
import { withTimeout } from '../../shared/with-timeout.ts';

interface AnnouncerParts {
  readonly store: Pick<Store, 'announce' | 'withdraw'>;
  readonly limiter: LogLimiter;
  /** Asked each time anew. The address stays the same. */
  readonly describe: () => Announcement;
}

const LIFE_SECONDS = ANNOUNCEMENT_LIFE_MS / 1_000;

/**
 * Shows in the store that this node takes users, again and again, until it takes that back. What fails is tried again
 * with the next: a store that is away for less than ANNOUNCEMENT_LIFE_MS is not noticed, and one that is away for longer
 * tells nobody of any node.
 */
export class Announcer {
  readonly #parts: AnnouncerParts;
  readonly #address: EdgeAddress;
  #timer: NodeJS.Timeout | undefined;
  /** At most one is under way, so that none arrives behind the withdrawal. */
  #underWay: Promise<void> | undefined;
  #failures = 0;

  constructor(parts: AnnouncerParts) {
    this.#parts = parts;
    this.#address = parts.describe().address;
  }

  /** Announcements that the store did not take in time. */
  get failures(): number {
    return this.#failures;
  }

  start(): void {
    this.#timer = setInterval(() => this.#announce(), ANNOUNCE_MS);
    this.#announce();
  }

  /** For good: nobody finds this node here from now on. Where the store fails, it ends by itself. */
  async withdraw(): Promise<void> {
    clearInterval(this.#timer);
    await this.#underWay;
    const withdrawn = this.#parts.store.withdraw(this.#address);
    await withTimeout(withdrawn, STORE_TIMEOUT_MS).catch((thrown: unknown) => {
      this.#parts.limiter.warn(
        `this node could not be taken off the list of edge nodes: it stays there for up to ${LIFE_SECONDS} s`,
        { err: asError(thrown) },
      );
    });
  }

  #announce(): void {
    if (this.#underWay !== undefined) return;
    const { store, describe, limiter } = this.#parts;
    const announced = store.announce(this.#address, announcementText(describe()), LIFE_SECONDS);
    this.#underWay = withTimeout(announced, STORE_TIMEOUT_MS)
      .catch((thrown: unknown) => {
        this.#failures += 1;
        limiter.warn('the store does not take that this node takes users; trying again in 10 s', {
          err: asError(thrown),
        });
      })
      .finally(() => {
        this.#underWay = undefined;
      });
  }
}
