import { setImmediate as polled } from 'node:timers/promises';
import type { Clock } from '../../shared/clock.ts';
import { SLICE_MS } from '../../shared/limits.ts';

/** Calls `work` for each item, in slices of SLICE_MS between which the sockets are polled. */
export async function inSlices<T>(
  items: Iterable<T>,
  clock: Clock,
  work: (item: T) => void,
): Promise<void> {
  let endMs = clock.monotonicMs() + SLICE_MS;
  for (const item of items) {
    work(item);
    if (clock.monotonicMs() < endMs) continue;
    await polled();
    endMs = clock.monotonicMs() + SLICE_MS;
  }
}
