import { SPOOL_DISK_TIMEOUT_MS } from '../../../shared/limits.ts';
import { withTimeout } from '../../../shared/with-timeout.ts';

/**
 * One operation at a time, ever: each occupies one of the few threads that look-ups of names need, too, and a disk that
 * hangs keeps it. While one hangs, no other is begun; whoever waits longer than the limit goes without.
 */
export class SpoolDisk {
  #last: Promise<void> = Promise.resolve();

  /** @throws TimeLimitError once `work` has waited or run for the limit; begun work goes on unheard */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const turn = Promise.withResolvers<void>();
    this.#last = turn.promise;
    try {
      await withTimeout(before, SPOOL_DISK_TIMEOUT_MS);
    } catch (error) {
      before.then(turn.resolve);
      throw error;
    }
    const running = work().finally(turn.resolve);
    return withTimeout(running, SPOOL_DISK_TIMEOUT_MS);
  }
}
