/**
 * How long to wait for the next attempt after so many failures before the last one: twice as long after each, up to
 * `maxMs`, less up to a half at random, so that all who failed together do not come back together.
 */
export function backoffMs(failuresBefore: number, minMs: number, maxMs: number): number {
  const ceilingMs = Math.min(maxMs, minMs * 2 ** failuresBefore);
  return Math.round(ceilingMs * (0.5 + Math.random() / 2));
}
