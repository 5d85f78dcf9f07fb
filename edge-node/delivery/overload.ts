import {
  LOAD_FULL_UTILIZATION,
  OVERLOAD_LAG_MS,
  OVERLOAD_SHARE,
  OVERLOAD_WINDOW_MS,
  SLICE_MAX_MS,
} from '../../shared/limits.ts';

/** From here on batches are as large as they get, and what delivery takes grows with the users. */
const FORESEEN_SHARE = LOAD_FULL_UTILIZATION;

/**
 * Whether one more user would be one too many, by what is measured. Two signs, each of which suffices:
 *
 * - Share: writing to those who are in took more than OVERLOAD_SHARE of the event loop's time in the last window. Work
 *   for newcomers is not part of it, so a crowd that reconnects to an idle node is let in. On a busy node those who came since are counted as costing what the
 *   others do: a crowd comes faster than a window ends.
 * - Lag, by the rule of CoDel: for a whole window no round of delivery was done within OVERLOAD_LAG_MS of the moment
 *   when its first run closed. One late round is a hiccup; a queue that is never empty is too much work.
 *
 * Pure: times are monotonic milliseconds and come in as arguments. What was measured longer than a window ago says
 * nothing about now.
 */
export class Overload {
  /** How many are in now; set by whoever lets them in. */
  users = 0;
  /** How many were in when the window began, and on the mean of the one that #share is of. */
  #windowUsers = 0;
  #shareUsers = 0;
  /** When the window began, moved on by the time that does not count. */
  #windowMs = 0;
  #busyMs = 0;
  #share = 0;
  #shareMs = Number.NEGATIVE_INFINITY;
  #lagMs = 0;
  #roundMs = Number.NEGATIVE_INFINITY;
  /** Since when all rounds were late; undefined while the last one was not. */
  #lateSinceMs: number | undefined;

  /** A piece of delivery is done. */
  sliceEnded(beganMs: number, endMs: number): void {
    // A slice of work ends within SLICE_MAX_MS. If it took longer, the process did not run or collected garbage: that
    // time is no work of delivery, and is taken out of the window.
    const heldUpMs = Math.max(0, endMs - beganMs - SLICE_MAX_MS);
    this.#busyMs += endMs - beganMs - heldUpMs;
    this.#windowMs += heldUpMs;
    const spanMs = endMs - this.#windowMs;
    if (spanMs < OVERLOAD_WINDOW_MS) return;
    this.#share = this.#busyMs / spanMs;
    this.#shareMs = endMs;
    this.#shareUsers = (this.#windowUsers + this.users) / 2;
    this.#windowUsers = this.users;
    this.#windowMs = endMs;
    this.#busyMs = 0;
  }

  /** Everyone whose turn it was has been written to, `lagMs` after the first of it came up. */
  roundEnded(nowMs: number, lagMs: number): void {
    this.#lagMs = lagMs;
    this.#roundMs = nowMs;
    if (lagMs <= OVERLOAD_LAG_MS) this.#lateSinceMs = undefined;
    else this.#lateSinceMs ??= nowMs;
  }

  isOverloaded(nowMs: number): boolean {
    return this.#foreseenShareAt(nowMs) > OVERLOAD_SHARE || this.#isLate(nowMs);
  }

  /** Part of the event loop's time that delivery takes, 0 to 1. */
  shareAt(nowMs: number): number {
    return nowMs - this.#shareMs > 2 * OVERLOAD_WINDOW_MS ? 0 : this.#share;
  }

  /** How long the last round took from the moment when its first run closed. */
  lagMsAt(nowMs: number): number {
    return nowMs - this.#roundMs > 2 * OVERLOAD_WINDOW_MS ? 0 : this.#lagMs;
  }

  #foreseenShareAt(nowMs: number): number {
    const share = this.shareAt(nowMs);
    if (share < FORESEEN_SHARE || this.users <= this.#shareUsers) return share;
    return share * (this.users / this.#shareUsers);
  }

  #isLate(nowMs: number): boolean {
    if (this.#lateSinceMs === undefined) return false;
    const isRecent = nowMs - this.#roundMs <= 2 * OVERLOAD_WINDOW_MS;
    return isRecent && this.#roundMs - this.#lateSinceMs >= OVERLOAD_WINDOW_MS;
  }
}
