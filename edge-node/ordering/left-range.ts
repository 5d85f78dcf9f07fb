import { isWithin, type Sequence } from './sequence.ts';

/** The range that the last jump left: two windows before and one after where the old epoch had got to. */
export class LeftRange {
  #left: Sequence | undefined;

  /** @param expected when the epoch ended; undefined: no jump ended it */
  leave(expected: Sequence | undefined): void {
    this.#left = expected;
  }

  has(sequence: Sequence, windowPackets: number): boolean {
    if (this.#left === undefined) return false;
    return isWithin(sequence, this.#left, 2 * windowPackets, windowPackets);
  }
}
