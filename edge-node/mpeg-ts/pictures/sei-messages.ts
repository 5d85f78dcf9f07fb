/** A byte of this value adds 255 to a message's type or size, and another follows. */
const MORE = 0xff;
/** Longer than any message of a real stream: what claims to be longer is no message. */
const SEI_MAX_BYTES = 65_536;

type State = 'type' | 'size' | 'content';

/**
 * Looks for a message of one type in a unit of supplemental enhancement information (ISO/IEC 14496-10, 7.3.2.3):
 * messages follow one another, each a type, a size and so many bytes; both numbers are sums of bytes, of which all but
 * the last are 0xff.
 */
export class SeiMessages {
  readonly #wanted: number;
  #state: State = 'type';
  #type = 0;
  #size = 0;
  #isFound = false;

  constructor(wantedType: number) {
    this.#wanted = wantedType;
  }

  get isFound(): boolean {
    return this.#isFound;
  }

  start(): void {
    this.#isFound = false;
    this.#nextMessage();
  }

  /** @returns whether more is wanted */
  push(byte: number): boolean {
    if (this.#state === 'type') {
      this.#type += byte;
      if (byte !== MORE) this.#state = 'size';
      return true;
    }
    if (this.#state === 'content') {
      this.#size -= 1;
      if (this.#size === 0) this.#nextMessage();
      return true;
    }
    this.#size += byte;
    if (byte === MORE) return this.#size < SEI_MAX_BYTES;
    this.#isFound = this.#type === this.#wanted;
    if (this.#size === 0) this.#nextMessage();
    else this.#state = 'content';
    return !this.#isFound;
  }

  #nextMessage(): void {
    this.#state = 'type';
    this.#type = 0;
    this.#size = 0;
  }
}
