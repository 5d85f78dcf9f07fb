/** What can be seen of a player that is meant to play. */
export interface Sample {
  readonly nowMs: number;
  /** Of the picture, in seconds. */
  readonly position: number;
  /** Taken in so far. */
  readonly bytes: number;
  /** Where what is held begins again after a hole, in seconds; undefined where there is no hole ahead. */
  readonly resumesAt: number | undefined;
}

export type Verdict =
  | { readonly kind: 'plays' }
  /** Nothing comes, so nothing can be shown. */
  | { readonly kind: 'waits' }
  /** The picture stands before a hole. */
  | { readonly kind: 'jump'; readonly to: number }
  /** Bytes come and the picture stands: only another player helps. */
  | { readonly kind: 'frozen' };

/** Shorter stops are usual: a decoder or a network catches up. */
const HICCUP_MS = 400;
/** Bytes that come further apart than this are no flow that a picture could come of. */
const PAUSE_MS = 1_000;
const FROZEN_MS = 2_000;
/** A player begins at a key picture, which may be that far away. */
const FIRST_PICTURE_MS = 12_000;

/**
 * Tells a player that hangs from one that has nothing to play. A decoder whose time stamps fall back waits for a time
 * that has passed already, and raises no error.
 */
export class Watchdog {
  #last: Sample | undefined;
  #hasPlayed = false;
  #movedMs = 0;
  #bytesMs = 0;
  #flowsSinceMs: number | undefined;

  judge(sample: Sample): Verdict {
    const { nowMs, position, bytes, resumesAt } = sample;
    const last = this.#last;
    this.#last = sample;
    if (last === undefined) {
      this.#movedMs = nowMs;
      this.#bytesMs = nowMs;
      return { kind: 'waits' };
    }
    if (bytes > last.bytes) {
      this.#bytesMs = nowMs;
      this.#flowsSinceMs ??= nowMs;
    } else if (nowMs - this.#bytesMs > PAUSE_MS) this.#flowsSinceMs = undefined;
    if (position !== last.position) {
      this.#hasPlayed = true;
      this.#movedMs = nowMs;
      this.#flowsSinceMs = undefined;
      return { kind: 'plays' };
    }
    const stillMs = nowMs - this.#movedMs;
    if (stillMs > HICCUP_MS && resumesAt !== undefined) return { kind: 'jump', to: resumesAt };
    const patienceMs = this.#hasPlayed ? FROZEN_MS : FIRST_PICTURE_MS;
    if (this.#flowsSinceMs !== undefined && nowMs - this.#flowsSinceMs > patienceMs) {
      return { kind: 'frozen' };
    }
    return this.#hasPlayed && stillMs <= HICCUP_MS ? { kind: 'plays' } : { kind: 'waits' };
  }
}
