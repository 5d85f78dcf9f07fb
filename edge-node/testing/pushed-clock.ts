import { type Clock, systemClock } from '../../shared/clock.ts';

/** The time as it is, and what a test adds to it at once: nothing else has to happen in that. */
export function pushedClock(): Clock & { push(ms: number): void } {
  const clock = systemClock();
  let pushedMs = 0;
  return {
    monotonicMs: () => clock.monotonicMs() + pushedMs,
    epochMs: () => clock.epochMs() + pushedMs,
    push: (ms) => {
      pushedMs += ms;
    },
  };
}
