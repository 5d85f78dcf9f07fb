import type { Clock } from '../../shared/clock.ts';
import type { UserId } from '../../shared/ids.ts';
import { LOOK_AGAIN_AT_ONCE, LOOK_AGAIN_MIN_MS } from '../../shared/limits.ts';
import type { Registration } from './registrations.ts';

interface AdmittedParts<S> {
  readonly registrations: {
    /** When the user was last found registered, monotonic milliseconds. */
    confirmedMs(userId: UserId): number | undefined;
    lookUpAgain(userId: UserId): Promise<Registration>;
  };
  /** REGISTRATION_TTL_MS. */
  readonly ttlMs: number;
  readonly clock: Clock;
  /** Ends the sessions of a user who is not registered any more. */
  readonly end: (sessions: ReadonlySet<S>) => void;
  /** The last session of such a user has ended, who was last found registered at `confirmedMs`. */
  readonly gone: (userId: UserId, confirmedMs: number) => void;
}

interface Admitted<S> {
  readonly sessions: Set<S>;
  /** When the user was last found registered, monotonic milliseconds. */
  confirmedMs: number;
  /** When it is to be looked up again, monotonic milliseconds. */
  dueMs: number;
  isUnregistered: boolean;
}

/** From one look-up of a user to the next, in parts of the TTL: each user at another time, and none past it. */
const SOONEST_PART = 0.7;
const LATEST_PART = 0.95;
/** The same after a look-up that failed: a store that was away is not to be asked for everyone at its return. */
const FAILED_SOONEST_PART = 0.25;
const FAILED_LATEST_PART = 0.5;
const TICKS_A_TTL = 50;
const TICK_MIN_MS = 20;
const TICK_MAX_MS = 1000;

/**
 * The users who watch. Each is looked up again before REGISTRATION_TTL_MS has passed since the last time, whoever asked;
 * a user who is not registered any more is sent away. A store that fails sends nobody away.
 *
 *     enters ──▶ waits for its time ──▶ due, a few at once ──yes──▶ waits again
 *                       ▲                        │  └────no────▶ all its sessions end
 *                       └───── the store fails ──┘
 */
export class AdmittedUsers<S> {
  readonly #parts: AdmittedParts<S>;
  readonly #ttlMs: number;
  readonly #users = new Map<UserId, Admitted<S>>();
  readonly #due = new Set<UserId>();
  #asking = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: AdmittedParts<S>) {
    this.#parts = parts;
    this.#ttlMs = Math.max(parts.ttlMs, LOOK_AGAIN_MIN_MS);
  }

  start(): void {
    const tickMs = Math.min(Math.max(this.#ttlMs / TICKS_A_TTL, TICK_MIN_MS), TICK_MAX_MS);
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#due.clear();
    this.#users.clear();
  }

  entered(userId: UserId, session: S): void {
    const known = this.#users.get(userId);
    if (known === undefined) {
      const sessions = new Set([session]);
      this.#users.set(userId, { sessions, isUnregistered: false, ...this.#lastYes(userId) });
      return;
    }
    known.sessions.add(session);
    if (!known.isUnregistered) return;
    // Who was let in after having been sent away has registered again, and is looked up as anyone.
    known.isUnregistered = false;
    Object.assign(known, this.#lastYes(userId));
  }

  left(userId: UserId, session: S): void {
    const user = this.#users.get(userId);
    if (user === undefined) return;
    user.sessions.delete(session);
    if (user.sessions.size > 0) return;
    this.#users.delete(userId);
    this.#due.delete(userId);
    if (user.isUnregistered) this.#parts.gone(userId, user.confirmedMs);
  }

  #tick(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    // Not by entries of the map: an array for each user and tick is a sixth of all that a node allocates.
    this.#users.forEach(({ dueMs }, userId) => {
      if (dueMs <= nowMs) this.#due.add(userId);
    });
    this.#ask();
  }

  #ask(): void {
    for (const userId of this.#due) {
      if (this.#asking === LOOK_AGAIN_AT_ONCE) return;
      this.#due.delete(userId);
      const user = this.#users.get(userId);
      if (user !== undefined) void this.#lookUp(userId, user);
    }
  }

  async #lookUp(userId: UserId, user: Admitted<S>): Promise<void> {
    this.#asking += 1;
    user.dueMs = Number.POSITIVE_INFINITY;
    const found = await this.#parts.registrations.lookUpAgain(userId);
    this.#asking -= 1;
    if (found === 'registered') Object.assign(user, this.#lastYes(userId));
    else if (found === 'store_unavailable') user.dueMs = this.#afterFailureMs();
    else if (this.#users.get(userId) === user) {
      user.isUnregistered = true;
      this.#parts.end(user.sessions);
    }
    this.#ask();
  }

  /** When the user was last found registered, and when it is to be looked up again. */
  #lastYes(userId: UserId): Pick<Admitted<S>, 'confirmedMs' | 'dueMs'> {
    const { registrations, clock } = this.#parts;
    const confirmedMs = registrations.confirmedMs(userId) ?? clock.monotonicMs() - this.#ttlMs;
    return { confirmedMs, dueMs: confirmedMs + this.#ttlMs * between(SOONEST_PART, LATEST_PART) };
  }

  #afterFailureMs(): number {
    const part = between(FAILED_SOONEST_PART, FAILED_LATEST_PART);
    return this.#parts.clock.monotonicMs() + this.#ttlMs * part;
  }
}

function between(least: number, most: number): number {
  return least + Math.random() * (most - least);
}
