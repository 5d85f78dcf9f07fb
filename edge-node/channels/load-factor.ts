import {
  LOAD_FULL_UTILIZATION,
  LOAD_IDLE_UTILIZATION,
  LOAD_STEP_PART,
} from '../../shared/limits.ts';

/**
 * How far the runs' size and linger have grown: 1 on an idle event loop, `max` on a busy one. Nearly all the cost of a
 * user is the kernel's per write, so a busy node saves by larger runs; an idle one has no reason to let users wait.
 */
export class LoadFactor {
  readonly #max: number;
  #value = 1;

  constructor(max: number) {
    this.#max = max;
  }

  get value(): number {
    return this.#value;
  }

  /** Takes the event loop's utilization (0 to 1) of the last step, and moves a part of the way to what it asks for. */
  update(utilization: number): void {
    const span = LOAD_FULL_UTILIZATION - LOAD_IDLE_UTILIZATION;
    const part = Math.min(1, Math.max(0, (utilization - LOAD_IDLE_UTILIZATION) / span));
    const target = 1 + part * (this.#max - 1);
    this.#value += (target - this.#value) * LOAD_STEP_PART;
  }
}
