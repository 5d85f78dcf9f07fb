/** What a network of several ways does to packets. */
export interface DisorderOptions {
  /** No packet comes later than this many packets after its turn; 0 or 1 keeps the order. */
  readonly window: number;
  readonly lossPercent: number;
  readonly duplicationPercent: number;
  readonly seed: number;
}

interface Held<T> {
  readonly item: T;
  readonly due: number;
}

/**
 * Shuffles, loses and repeats the items of one stream; the same options do the same to it every time. A packet and
 * its repetition each come after a delay of their own, evenly spread over the window.
 */
export class Disorder<T> {
  readonly #options: DisorderOptions;
  readonly #random: () => number;
  /** What is still to come, in ascending order of `due`. */
  readonly #held: Held<T>[] = [];
  readonly #lost: T[] = [];
  #pushed = 0;
  #duplicates = 0;

  constructor(options: DisorderOptions) {
    this.#options = options;
    this.#random = randomNumbers(options.seed);
  }

  /** What was left out, in its order. */
  get lost(): readonly T[] {
    return this.#lost;
  }

  get duplicates(): number {
    return this.#duplicates;
  }

  /** Takes the stream's next item and returns what comes out now. */
  push(item: T): T[] {
    this.#pushed += 1;
    if (this.#happens(this.#options.lossPercent)) this.#lost.push(item);
    else {
      this.#hold(item);
      if (this.#happens(this.#options.duplicationPercent)) {
        this.#duplicates += 1;
        this.#hold(item);
      }
    }
    const stillHeld = this.#held.findIndex(({ due }) => due >= this.#pushed);
    return this.#release(stillHeld === -1 ? this.#held.length : stillHeld);
  }

  /** Ends the stream: the rest of it. */
  flush(): T[] {
    return this.#release(this.#held.length);
  }

  #happens(percent: number): boolean {
    return this.#random() * 100 < percent;
  }

  #hold(item: T): void {
    const delay = Math.max(0, this.#options.window - 1) * this.#random();
    const due = this.#pushed - 1 + delay;
    const after = this.#held.findIndex((held) => held.due > due);
    this.#held.splice(after === -1 ? this.#held.length : after, 0, { item, due });
  }

  #release(count: number): T[] {
    return this.#held.splice(0, count).map(({ item }) => item);
  }
}

/** Numbers from 0 to below 1 (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
