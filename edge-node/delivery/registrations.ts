import { LRUCache } from 'lru-cache';
import type { Clock } from '../../shared/clock.ts';
import type { UserId } from '../../shared/ids.ts';
import { REGISTRATION_CACHE_MAX_USERS, STORE_TIMEOUT_MS } from '../../shared/limits.ts';
import type { LogLimiter } from '../../shared/logger.ts';
import type { Store } from '../../shared/store/store.ts';
import { withTimeout } from '../../shared/with-timeout.ts';

export type Registration = 'registered' | 'not_registered' | 'store_unavailable';

interface RegistrationParts {
  readonly store: Store;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly log: LogLimiter;
}

/**
 * Who is registered, asked of the store once per connection. A yes is remembered, for `ttlMs` and past it while the
 * store fails; a no never is, so that who registers and connects is let in. Equal look-ups under way are joined.
 */
export class Registrations {
  readonly #parts: RegistrationParts;
  /** Until when a yes needs no look-up, in monotonic milliseconds. */
  readonly #known = new LRUCache<UserId, number>({ max: REGISTRATION_CACHE_MAX_USERS });
  readonly #underWay = new Map<UserId, Promise<boolean>>();
  failures = 0;

  constructor(parts: RegistrationParts) {
    this.#parts = parts;
  }

  async check(userId: UserId): Promise<Registration> {
    const knownUntilMs = this.#known.get(userId);
    if (knownUntilMs !== undefined && this.#parts.clock.monotonicMs() < knownUntilMs) {
      return 'registered';
    }
    try {
      return (await this.#ask(userId)) ? 'registered' : 'not_registered';
    } catch (error) {
      this.failures += 1;
      this.#parts.log.error('registrations cannot be looked up', { err: error });
      return knownUntilMs === undefined ? 'store_unavailable' : 'registered';
    }
  }

  async #ask(userId: UserId): Promise<boolean> {
    const earlier = this.#underWay.get(userId);
    // A no from a look-up that began before this call may be older than the registration: it is asked again.
    if (earlier !== undefined && (await earlier)) return true;
    return this.#underWay.get(userId) ?? this.#lookUp(userId);
  }

  #lookUp(userId: UserId): Promise<boolean> {
    const { store, ttlMs, clock } = this.#parts;
    const answer = withTimeout(store.isRegistered(userId), STORE_TIMEOUT_MS)
      .then((isRegistered) => {
        if (isRegistered) this.#known.set(userId, clock.monotonicMs() + ttlMs);
        else this.#known.delete(userId);
        return isRegistered;
      })
      .finally(() => this.#underWay.delete(userId));
    this.#underWay.set(userId, answer);
    return answer;
  }
}
