/**
 * Start codes (ISO/IEC 13818-2, 5.2.3; the byte stream of ISO/IEC 14496-10 and 23008-2, annex B): 00 00 01, then a
 * unit, up to the next one. Inside of an AVC or HEVC unit no 00 00 0x with x under 3 can stand: 00 00 03 is written
 * where the data has 00 00 00 to 00 00 03, and the 03 is left out again when it is read.
 */
const EMULATION_PREVENTION = 3;

export interface Units {
  /**
   * A unit begins with this byte, which stands at `at` of the bytes pushed.
   * @returns whether more of it is wanted
   */
  unitBegan(first: number, at: number): boolean;
  /** @returns whether more is wanted */
  unitByte(byte: number): boolean;
}

/** Where the reader is: between what is of interest, right behind a start code, or in a unit that is wanted. */
type State = 'seeking' | 'atUnit' | 'inUnit';

/** Finds units in a stream that comes in pieces of any size: a start code may be split at any byte. */
export class StartCodes {
  readonly #units: Units;
  #state: State = 'seeking';
  /** How many zeros the bytes so far end with; 2 stands for any more. */
  #zeros = 0;

  constructor(units: Units) {
    this.#units = units;
  }

  /** The stream goes on elsewhere. */
  reset(): void {
    this.#state = 'seeking';
    this.#zeros = 0;
  }

  push(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#state === 'seeking') at = this.#seek(bytes, at, end);
      else if (this.#state === 'inUnit') at = this.#read(bytes, at, end);
      else at = this.#begin(bytes, at);
    }
  }

  #begin(bytes: Buffer, at: number): number {
    const first = bytes[at] ?? 0;
    this.#zeros = first === 0 ? 1 : 0;
    this.#state = this.#units.unitBegan(first, at) ? 'inUnit' : 'seeking';
    return at + 1;
  }

  /** Returns the place behind the next start code, or the end. */
  #seek(bytes: Buffer, start: number, end: number): number {
    const alone = Math.min(end, start + 2);
    for (let at = start; at < alone; at += 1) {
      if (this.#sees(bytes[at] ?? 0)) return at + 1;
    }
    // From here on a start code's three bytes all lie in this piece. Its last byte is 1: after one greater than that
    // it is three bytes away at the least.
    let at = alone;
    while (at < end) {
      const byte = bytes[at] ?? 0;
      if (byte > 1) at += 3;
      else if (byte === 0) at += 1;
      else if (bytes[at - 1] === 0 && bytes[at - 2] === 0) {
        this.#found();
        return at + 1;
      } else at += 3;
    }
    if (end - start > 2) this.#zeros = bytes[end - 1] !== 0 ? 0 : bytes[end - 2] !== 0 ? 1 : 2;
    return end;
  }

  /** Hands on the unit's bytes until it wants no more, or the next one begins. */
  #read(bytes: Buffer, start: number, end: number): number {
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at] ?? 0;
      const isPrevention = this.#zeros === 2 && byte === EMULATION_PREVENTION;
      if (this.#sees(byte)) return at + 1;
      if (!isPrevention && !this.#units.unitByte(byte)) {
        this.#state = 'seeking';
        return at + 1;
      }
    }
    return end;
  }

  /** Counts zeros; returns whether this byte ends a start code. */
  #sees(byte: number): boolean {
    if (byte === 1 && this.#zeros === 2) {
      this.#found();
      return true;
    }
    this.#zeros = byte === 0 ? Math.min(2, this.#zeros + 1) : 0;
    return false;
  }

  #found(): void {
    this.#state = 'atUnit';
    this.#zeros = 0;
  }
}
