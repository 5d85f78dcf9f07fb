import type { Clock } from '../../shared/clock.ts';
import { LOOP_DELAY_STEP_MS } from '../../shared/limits.ts';
import { DelayHistogram } from './histogram.ts';

/** How late the event loop is, by a timer that notes how long after its time it was called. */
export class LoopDelay {
  readonly histogram = new DelayHistogram();
  readonly #clock: Clock;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    this.#dueMs = this.#clock.monotonicMs() + LOOP_DELAY_STEP_MS;
    this.#timer = setTimeout(() => {
      this.histogram.add(Math.max(0, this.#clock.monotonicMs() - this.#dueMs));
      this.start();
    }, LOOP_DELAY_STEP_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
