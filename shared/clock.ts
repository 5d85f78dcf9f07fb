/** Time as the parts see it: injected, so that tests own it. */
export interface Clock {
  /** Milliseconds from an arbitrary start, monotonic: for waiting. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch; never goes back within a process, whatever is done to the wall clock. */
  epochMs(): number;
}

export function systemClock(): Clock {
  let latest = 0;
  return {
    monotonicMs: () => performance.now(),
    epochMs: () => {
      latest = Math.max(latest, Date.now());
      return latest;
    },
  };
}
