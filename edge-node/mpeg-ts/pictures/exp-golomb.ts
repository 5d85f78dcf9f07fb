/** The longest code that a valid stream has is 63 bits: 31 zeros, a one, 31 bits. */
const MAX_ZEROS = 31;

/**
 * Reads unsigned Exp-Golomb codes, ue(v) (ISO/IEC 14496-10, 9.1), from bytes as they come: as many zeros as bits will
 * follow the first one; the value is that one and those bits, less 1.
 */
export class ExpGolomb {
  readonly #values: number[];
  #read = 0;
  #zeros = 0;
  /** Bits of the value still to come; -1 before its first one. */
  #left = -1;
  #value = 0;

  /** For so many codes, one after another. */
  constructor(count: number) {
    this.#values = new Array(count).fill(0);
  }

  start(): void {
    this.#read = 0;
    this.#startCode();
  }

  /** The value of code `index`, once it is read. */
  value(index: number): number {
    return this.#values[index] ?? 0;
  }

  get isDone(): boolean {
    return this.#read === this.#values.length;
  }

  /** @returns whether more is wanted: not when all is read, nor when this can be no code */
  push(byte: number): boolean {
    for (let bit = 7; bit >= 0 && !this.isDone; bit -= 1) {
      if (!this.#pushBit((byte >> bit) & 1)) return false;
    }
    return !this.isDone;
  }

  #pushBit(bit: number): boolean {
    if (this.#left < 0) {
      if (bit === 0) {
        this.#zeros += 1;
        return this.#zeros <= MAX_ZEROS;
      }
      this.#left = this.#zeros;
      this.#value = 1;
    } else {
      this.#value = this.#value * 2 + bit;
      this.#left -= 1;
    }
    if (this.#left === 0) {
      this.#values[this.#read] = this.#value - 1;
      this.#read += 1;
      this.#startCode();
    }
    return true;
  }

  #startCode(): void {
    this.#zeros = 0;
    this.#left = -1;
    this.#value = 0;
  }
}
