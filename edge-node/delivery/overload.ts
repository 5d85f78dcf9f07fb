import {
  ADMISSION_STEP_USERS,
  CARRIED_MS,
  OVERLOAD_LAG_MS,
  OVERLOAD_SHARE,
  OVERLOAD_WINDOW_MS,
  SLICE_MAX_MS,
} from '../../shared/limits.ts';

/** What one window showed. */
interface Measured {
  /** Part of the event loop's time that delivery took, 0 to 1. */
  readonly share: number;
  /** Part of the time in which somebody's turn was due, 0 to 1: the share, and what was done in between. */
  readonly due: number;
  /** The mean of how many were in. */
  readonly users: number;
}

const NOTHING: Measured = { share: 0, due: 0, users: 0 };

/**
 * How many users the node is seen to carry: the most who were in for a whole window that was not late, in the last
 * CARRIED_MS or twice that.
 */
class Carried {
  #most = 0;
  #mostBefore = 0;
  #sinceMs = 0;

  get users(): number {
    return Math.max(this.#most, this.#mostBefore);
  }

  add(users: number, nowMs: number): void {
    if (nowMs - this.#sinceMs >= CARRIED_MS) {
      this.#mostBefore = this.#most;
      this.#most = 0;
      this.#sinceMs = nowMs;
    }
    this.#most = Math.max(this.#most, users);
  }
}

/**
 * How many more users there is room for, by what is measured in windows of OVERLOAD_WINDOW_MS. The node is overloaded
 * by either of two signs:
 *
 * - Share: in each of the last two windows writing to those who are in took more than OVERLOAD_SHARE of the event loop's
 *   time. Work for newcomers is not part of it.
 * - Lag, by the rule of CoDel: for two windows no round of delivery was done within OVERLOAD_LAG_MS of the moment when
 *   its first run closed. One late round is a hiccup; a queue that is never empty is too much work.
 *
 * A crowd comes faster than anything is measured. So there is room, until the next measurement, for as many as the
 * last ones foretell, if a newcomer costs what the others do, and for no more than would double those who are in
 * (ADMISSION_STEP_USERS, where they are fewer). Batches grow with the load, so users mostly cost less the more there
 * are: what is foretold is too little rather than too much, and what it lacks the next measurement brings. Here work
 * for newcomers does count: while a crowd slows delivery down, nobody can tell what it takes, and the crowd waits.
 *
 * As many as were carried a moment ago may come back without any of this: so a crowd that was cut off returns at once,
 * and on a full node whoever comes takes the place of who has left.
 *
 * Pure: times are monotonic milliseconds and come in as arguments.
 */
export class Overload {
  /** How many are in now; set by whoever lets them in. */
  users = 0;
  /** How many were in when the window began. */
  #windowUsers = 0;
  /** When the window began, moved on by the time that does not count. */
  #windowMs = 0;
  #busyMs = 0;
  #dueMs = 0;
  #sliceEndMs = Number.NEGATIVE_INFINITY;
  #last = NOTHING;
  #beforeLast = NOTHING;
  /** As many as may be in before the next measurement. */
  #mostUsers = ADMISSION_STEP_USERS;
  readonly #carried = new Carried();
  #lagMs = 0;
  #roundMs = Number.NEGATIVE_INFINITY;
  /** Since when all rounds were late; undefined while the last one was not. */
  #lateSinceMs: number | undefined;

  /** A piece of delivery is done, of a round whose first turn was due at `dueMs`. */
  sliceEnded(dueMs: number, beganMs: number, endMs: number): void {
    // A slice of work ends within SLICE_MAX_MS. If it took longer, the process did not run or collected garbage: that
    // time is no work of delivery, and is taken out of the window.
    const heldUpMs = Math.max(0, endMs - beganMs - SLICE_MAX_MS);
    this.#busyMs += endMs - beganMs - heldUpMs;
    this.#dueMs += endMs - Math.max(dueMs, this.#sliceEndMs, this.#windowMs) - heldUpMs;
    this.#sliceEndMs = endMs;
    this.#windowMs += heldUpMs;
    this.#measure(endMs);
  }

  /** Everyone whose turn it was has been written to, `lagMs` after the first of it came up. */
  roundEnded(nowMs: number, lagMs: number): void {
    this.#lagMs = lagMs;
    this.#roundMs = nowMs;
    if (lagMs <= OVERLOAD_LAG_MS) this.#lateSinceMs = undefined;
    else this.#lateSinceMs ??= nowMs;
  }

  /** Whether newcomers are to be refused. */
  isOverloaded(nowMs: number): boolean {
    this.#measure(nowMs);
    if (this.users < this.#carried.users) return false;
    const isFull = this.#last.share > OVERLOAD_SHARE && this.#beforeLast.share > OVERLOAD_SHARE;
    return isFull || this.#isLate(nowMs);
  }

  /** How many may come now; 0 where the next measurement is to tell, or where the node is overloaded. */
  roomAt(nowMs: number): number {
    if (this.isOverloaded(nowMs)) return 0;
    const most = Math.max(this.#mostUsers, this.#carried.users);
    const known = this.#isLate(nowMs) ? this.#carried.users : most;
    return Math.max(0, Math.ceil(known - this.users));
  }

  /** Part of the event loop's time that delivery takes, 0 to 1. */
  shareAt(nowMs: number): number {
    this.#measure(nowMs);
    return this.#last.share;
  }

  /** How long the last round took from the moment when its first run closed. */
  lagMsAt(nowMs: number): number {
    return this.#isRecent(nowMs) ? this.#lagMs : 0;
  }

  /** Ends the window, if it is over. */
  #measure(nowMs: number): void {
    const spanMs = nowMs - this.#windowMs;
    if (spanMs < OVERLOAD_WINDOW_MS) return;
    // What lies further back than the window before says nothing about now.
    this.#beforeLast = spanMs < 2 * OVERLOAD_WINDOW_MS ? this.#last : NOTHING;
    const users = (this.#windowUsers + this.users) / 2;
    this.#last = { share: this.#busyMs / spanMs, due: this.#dueMs / spanMs, users };
    const foretold = Math.min(foretoldBy(this.#last), foretoldBy(this.#beforeLast));
    this.#mostUsers = Math.min(foretold, this.users + Math.max(this.users, ADMISSION_STEP_USERS));
    if (this.#lateSinceMs === undefined) {
      this.#carried.add(Math.min(this.#windowUsers, this.users), nowMs);
    }
    this.#windowUsers = this.users;
    this.#windowMs = nowMs;
    this.#busyMs = 0;
    this.#dueMs = 0;
  }

  #isLate(nowMs: number): boolean {
    if (this.#lateSinceMs === undefined || !this.#isRecent(nowMs)) return false;
    return this.#roundMs - this.#lateSinceMs >= 2 * OVERLOAD_WINDOW_MS;
  }

  #isRecent(nowMs: number): boolean {
    return nowMs - this.#roundMs <= 4 * OVERLOAD_WINDOW_MS;
  }
}

/** How many users would make what is due OVERLOAD_SHARE, if each costs the same; no bound where there were none. */
function foretoldBy({ due, users }: Measured): number {
  const isTold = users > 0 && due > 0;
  return isTold ? (users * OVERLOAD_SHARE) / due : Number.POSITIVE_INFINITY;
}
