import { SpoolHungError } from '../../../shared/errors.ts';
import { SPOOL_DISK_TIMEOUT_MS } from '../../../shared/limits.ts';
import { withTimeout } from '../../../shared/with-timeout.ts';

/**
 * One operation on the disk at a time. Each occupies one of the few threads of Node that looking up names needs, too,
 * and a disk that hangs keeps its thread. While one operation hangs, no other is begun: whoever asks gets an error.
 */
export class SpoolDisk {
  #last: Promise<void> = Promise.resolve();
  #isHung = false;

  /** Resolves when all that was asked has ended. */
  idle(): Promise<void> {
    return this.#last;
  }

  /**
   * @throws TimeLimitError once `work` has waited or run for the limit; what has begun goes on, and its end is ignored
   * @throws SpoolHungError at once, while other work has run past it
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isHung)
      throw new SpoolHungError('the spool disk hangs: an earlier operation has not ended');
    const before = this.#last;
    const turn = Promise.withResolvers<void>();
    this.#last = turn.promise;
    try {
      await withTimeout(before, SPOOL_DISK_TIMEOUT_MS);
    } catch (error) {
      before.then(turn.resolve);
      throw error;
    }
    const timer = setTimeout(() => {
      this.#isHung = true;
    }, SPOOL_DISK_TIMEOUT_MS);
    const running = work().finally(() => {
      clearTimeout(timer);
      this.#isHung = false;
      turn.resolve();
    });
    return withTimeout(running, SPOOL_DISK_TIMEOUT_MS);
  }
}
