import type { UserId } from '../../shared/ids.ts';
import { SESSION_BURST, SESSION_INTERVAL_MS } from '../../shared/limits.ts';
import { recentUsers } from './recent-users.ts';

/**
 * How often one user may begin a session: SESSION_BURST at once, and one more every SESSION_INTERVAL_MS. Each new
 * channel makes a usage row, so zapping without end would fill the store. The generic cell rate algorithm: one number a
 * user, the time at which all it has used is paid back. Pure: times are monotonic milliseconds.
 */
export class SessionRate {
  readonly #paidBackMs = recentUsers();

  allows(userId: UserId, nowMs: number): boolean {
    const paidBackMs = this.#paidBackMs.get(userId) ?? nowMs;
    return paidBackMs - nowMs <= (SESSION_BURST - 1) * SESSION_INTERVAL_MS;
  }

  /** A session has begun. */
  count(userId: UserId, nowMs: number): void {
    const paidBackMs = Math.max(nowMs, this.#paidBackMs.get(userId) ?? nowMs);
    this.#paidBackMs.set(userId, paidBackMs + SESSION_INTERVAL_MS);
  }
}
