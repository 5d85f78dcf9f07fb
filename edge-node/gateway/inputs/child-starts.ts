import { existsSync } from 'node:fs';
import { CHILD_START_GAP_MS, CHILDREN_MAX } from '../../../shared/limits.ts';

const SETPRIV = '/usr/bin/setpriv';

/**
 * How a child is started so that it does not outlive this process. One whose input is dead writes nothing, and so never
 * notices that nobody reads it. With `setpriv` the kernel kills it when its parent ends; without, the gateway ends its
 * children when it stops.
 */
export function tetheredCommand(program: string, args: readonly string[]): [string, string[]] {
  const isThere = process.platform === 'linux' && existsSync(SETPRIV);
  return isThere
    ? [SETPRIV, ['--pdeathsig', 'KILL', '--', program, ...args]]
    : [program, [...args]];
}

/** How many children run, and when the next may start: a list of a hundred does not start them all in one moment. */
export class ChildStarts {
  #running = 0;
  #nextMs = 0;

  get running(): number {
    return this.#running;
  }

  /**
   * Takes a place.
   * @returns how long to wait before the start, in ms; undefined where no place is left
   */
  take(nowMs: number): number | undefined {
    if (this.#running >= CHILDREN_MAX) return undefined;
    this.#running += 1;
    const atMs = Math.max(nowMs, this.#nextMs);
    this.#nextMs = atMs + CHILD_START_GAP_MS;
    return atMs - nowMs;
  }

  /** Gives the place back. */
  release(): void {
    this.#running -= 1;
  }
}
