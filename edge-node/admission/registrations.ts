import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../shared/clock.ts';
import { asError } from '../../shared/errors.ts';
import type { UserId } from '../../shared/ids.ts';
import { LOOK_UP_AGAIN_MS, LOOK_UPS_MAX, STORE_TIMEOUT_MS } from '../../shared/limits.ts';
import type { LogLimiter } from '../../shared/logger.ts';
import type { Store } from '../../shared/store/store.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import { Permits } from './permits.ts';
import { recentUsers } from './recent-users.ts';

export type Registration = 'registered' | 'not_registered' | 'store_unavailable';

interface RegistrationParts {
  readonly store: Pick<Store, 'isRegistered'>;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly limiter: LogLimiter;
}

/**
 * Who is registered, asked of the store once per connection, LOOK_UPS_MAX at a time. A yes is remembered, for `ttlMs`
 * and past it while the store fails. A no is never answered from memory, so that who registers and connects is let in;
 * but an id that was refused is looked up again LOOK_UP_AGAIN_MS after, at the soonest, and whoever asks until then
 * waits for that. Several who ask for one id share a look-up:
 *
 *     planned     waits until LOOK_UP_AGAIN_MS after the last no, then for one of the LOOK_UPS_MAX permits;
 *        │        answers all who ask meanwhile
 *        ▼
 *     under way   yes: remembered, and the answer to all who ask meanwhile, too
 *                 no:  the answer to those who had asked before it began; who asks meanwhile may have registered since,
 *                      and plans another
 */
export class Registrations {
  readonly #parts: RegistrationParts;
  readonly #permits = new Permits(LOOK_UPS_MAX);
  /** Until when a yes needs no look-up, in monotonic milliseconds. */
  readonly #known = recentUsers();
  /** When a user was last found not to be registered. */
  readonly #refused = recentUsers();
  readonly #planned = new Map<UserId, Promise<boolean>>();
  readonly #underWay = new Map<UserId, Promise<boolean>>();
  failures = 0;
  /** Connections that wait for an answer. */
  waiting = 0;

  constructor(parts: RegistrationParts) {
    this.#parts = parts;
  }

  async check(userId: UserId): Promise<Registration> {
    const knownUntilMs = this.#known.get(userId);
    if (knownUntilMs !== undefined && this.#parts.clock.monotonicMs() < knownUntilMs) {
      return 'registered';
    }
    this.waiting += 1;
    const found = await this.lookUpAgain(userId);
    this.waiting -= 1;
    return found === 'store_unavailable' && knownUntilMs !== undefined ? 'registered' : found;
  }

  /** When the user was last found registered, in monotonic milliseconds; undefined where that is not remembered. */
  confirmedMs(userId: UserId): number | undefined {
    const knownUntilMs = this.#known.peek(userId);
    return knownUntilMs === undefined ? undefined : knownUntilMs - this.#parts.ttlMs;
  }

  /** Asks the store, whatever is remembered. */
  async lookUpAgain(userId: UserId): Promise<Registration> {
    try {
      return (await this.#ask(userId)) ? 'registered' : 'not_registered';
    } catch (error) {
      this.failures += 1;
      this.#parts.limiter.error(
        'cannot ask the store who is registered; new users are refused, known ones let in',
        { err: asError(error) },
      );
      return 'store_unavailable';
    }
  }

  async #ask(userId: UserId): Promise<boolean> {
    const earlier = this.#underWay.get(userId);
    // A no from a look-up that began before this call may be older than the registration: it is asked again.
    if (earlier !== undefined && (await earlier)) return true;
    return this.#planned.get(userId) ?? this.#plan(userId);
  }

  #plan(userId: UserId): Promise<boolean> {
    const waitMs = this.#waitMs(userId);
    if (waitMs <= 0 && this.#permits.tryTake()) return this.#lookUp(userId);
    const planned = this.#lookUpInTurn(userId, waitMs);
    this.#planned.set(userId, planned);
    return planned;
  }

  /** Until this user may be looked up again. */
  #waitMs(userId: UserId): number {
    const refusedMs = this.#refused.get(userId);
    if (refusedMs === undefined) return 0;
    return refusedMs + LOOK_UP_AGAIN_MS - this.#parts.clock.monotonicMs();
  }

  /** @throws TimeLimitError also where no permit was to be had in time */
  async #lookUpInTurn(userId: UserId, waitMs: number): Promise<boolean> {
    try {
      if (waitMs > 0) await sleep(waitMs);
      await this.#permits.take(STORE_TIMEOUT_MS);
    } finally {
      this.#planned.delete(userId);
    }
    return this.#lookUp(userId);
  }

  /** Needs a permit, and gives it back. */
  #lookUp(userId: UserId): Promise<boolean> {
    const { store } = this.#parts;
    const lookUp = withTimeout(store.isRegistered(userId), STORE_TIMEOUT_MS)
      .then((isRegistered) => {
        this.#remember(userId, isRegistered);
        return isRegistered;
      })
      .finally(() => {
        this.#underWay.delete(userId);
        // In the next turn: a store that answers as fast as it is asked would keep the event loop in this one.
        setImmediate(() => this.#permits.giveBack());
      });
    this.#underWay.set(userId, lookUp);
    return lookUp;
  }

  #remember(userId: UserId, isRegistered: boolean): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (isRegistered) {
      this.#known.set(userId, nowMs + this.#parts.ttlMs);
      this.#refused.delete(userId);
    } else {
      this.#known.delete(userId);
      this.#refused.set(userId, nowMs);
    }
  }
}
