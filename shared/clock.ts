import { CLOCK_LOOK_MS, CLOCK_STEP_MS, CLOCK_STEP_PERSISTS_MS } from './limits.ts';

/**
 * Time as the parts see it: injected, so that tests own it. This is the one place that looks at the wall clock; no
 * duration and no deadline is ever taken from it, since it can be set.
 */
export interface Clock {
  /** Milliseconds from an arbitrary start, monotonic: for waiting. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch, for dates. */
  epochMs(): number;
}

/** The same in every thread of the process, so that one may set a deadline for another. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1_000_000;
}

/** What the wall clock says: for one-off work. A process that dates what it counts takes systemClock(). */
export function wallClockMs(): number {
  return Date.now();
}

/**
 * A clock for a long life: between steps it goes on by monotonic time, never back. A wall clock that is suddenly
 * CLOCK_STEP_MS or more off, in either direction, is believed only once it has stayed so for CLOCK_STEP_PERSISTS_MS;
 * what it says meanwhile changes nothing. It looks by itself, so that a step is noticed however rarely it is asked. A
 * process has one: two would follow a step at different times, and what one has dated would be too old for the other.
 */
export function systemClock(): Clock {
  let offsetMs = Date.now() - performance.now();
  let latestMs = 0;
  /** A step that may come true. */
  let doubt: { readonly offsetMs: number; readonly sinceMs: number } | undefined;

  const isNear = (a: number, b: number) => Math.abs(a - b) < CLOCK_STEP_MS;

  const clock: Clock = {
    monotonicMs: () => performance.now(),
    epochMs() {
      const nowMs = performance.now();
      const seenMs = Date.now() - nowMs;
      if (isNear(seenMs, offsetMs)) {
        doubt = undefined;
        offsetMs = seenMs;
      } else if (doubt === undefined || !isNear(seenMs, doubt.offsetMs)) {
        doubt = { offsetMs: seenMs, sinceMs: nowMs };
      } else if (nowMs - doubt.sinceMs >= CLOCK_STEP_PERSISTS_MS) {
        doubt = undefined;
        offsetMs = seenMs;
        latestMs = 0;
      }
      latestMs = Math.max(latestMs, nowMs + offsetMs);
      return latestMs;
    },
  };
  setInterval(clock.epochMs, CLOCK_LOOK_MS).unref();
  return clock;
}
