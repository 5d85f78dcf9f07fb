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
  readonly #workers: number;
  #value = 1;

  /**
   * @param workers processes that share the node's users evenly. Each takes the others to be as busy as itself, so that
   * the runs are as large, and cost as little, as those of one process with all the users.
   */
  constructor(max: number, workers = 1) {
    this.#max = max;
    this.#workers = workers;
  }

  get value(): number {
    return this.#value;
  }

  /** Takes the event loop's utilization (0 to 1) of the last step, and moves a part of the way to what it asks for. */
  update(utilization: number): void {
    const span = LOAD_FULL_UTILIZATION - LOAD_IDLE_UTILIZATION;
    const ofNode = utilization * this.#workers;
    const part = Math.min(1, Math.max(0, (ofNode - LOAD_IDLE_UTILIZATION) / span));
    const target = 1 + part * (this.#max - 1);
    this.#value += (target - this.#value) * LOAD_STEP_PART;
  }
}
