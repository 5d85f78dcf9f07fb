import type { Clock } from '../../shared/clock.ts';
import { LOOP_DELAY_STEP_MS } from '../../shared/limits.ts';
import { DelayHistogram } from './histogram.ts';

/** How late the event loop is, by a timer that notes how long after its time it was called. */
export class LoopDelay {
  readonly histogram = new DelayHistogram();
  readonly #clock: Clock;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;
  #worstMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    this.#dueMs = this.#clock.monotonicMs() + LOOP_DELAY_STEP_MS;
    this.#timer = setTimeout(() => {
      const delayMs = Math.max(0, this.#clock.monotonicMs() - this.#dueMs);
      this.histogram.add(delayMs);
      this.#worstMs = Math.max(this.#worstMs, delayMs);
      this.start();
    }, LOOP_DELAY_STEP_MS);
  }

  /** The longest since this was last asked. */
  takeWorstMs(): number {
    const worstMs = this.#worstMs;
    this.#worstMs = 0;
    return worstMs;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
