import { distance } from '../sequence.ts';

/** Sequences behind the newest, after which it is judged who has brought a packet. */
const JUDGED_AFTER = 256;

/**
 * Which sources have brought which of a channel's newest sequences: a ring with a byte for each sequence, and in it a bit
 * for each source.
 *
 *     newest - size            newest - JUDGED_AFTER                newest
 *     │ judged, still told apart  │ may come from others yet          │
 */
export class BroughtBy {
  readonly #bits: Uint8Array;
  readonly #only: (source: number) => void;
  #newestHigh = 0;
  #newestLow = 0;
  #isEmpty = true;

  /**
   * @param reach how far from each other the sequences lie that are noted
   * @param only a packet came from this source alone
   */
  constructor(reach: number, only: (source: number) => void) {
    this.#bits = new Uint8Array(2 ** Math.ceil(Math.log2(reach + JUDGED_AFTER)));
    this.#only = only;
  }

  /** Another epoch begins. */
  clear(): void {
    this.#bits.fill(0);
    this.#isEmpty = true;
  }

  /** Notes that a source has brought a sequence, and returns the bits of those that had before. */
  note(high: number, low: number, source: number): number {
    if (this.#isEmpty) this.#begin(high, low);
    const ahead = distance(high, low, this.#newestHigh, this.#newestLow);
    if (ahead > 0) this.#goOn(high, low, ahead);
    const at = low & (this.#bits.length - 1);
    const before = this.#bits[at] ?? 0;
    this.#bits[at] = before | (1 << source);
    return before;
  }

  #begin(high: number, low: number): void {
    this.#isEmpty = false;
    this.#newestHigh = high;
    this.#newestLow = low;
  }

  #goOn(high: number, low: number, steps: number): void {
    const mask = this.#bits.length - 1;
    for (let step = Math.min(steps, mask) - 1; step >= 0; step -= 1) {
      const judged = this.#bits[(low - step - JUDGED_AFTER) & mask] ?? 0;
      const isOne = judged !== 0 && (judged & (judged - 1)) === 0;
      if (isOne) this.#only(31 - Math.clz32(judged));
      this.#bits[(low - step) & mask] = 0;
    }
    this.#newestHigh = high;
    this.#newestLow = low;
  }
}
