/**
 * The header of a PES packet of video (ISO/IEC 13818-1, 2.4.3.6): 00 00 01, stream_id, length (2 bytes), two bytes of
 * flags, PES_header_data_length, so many bytes more; then the stream itself.
 */
const HEADER_BYTES = 9;
/** PES_scrambling_control, in the first byte of flags. */
const SCRAMBLING = 0x30;

/** Reads such a header, which may be split at any byte. */
export class PesHeader {
  #read = 0;
  #left = 0;
  #isBad = false;

  start(): void {
    this.#read = 0;
    this.#left = 0;
    this.#isBad = false;
  }

  /** The stream comes next. */
  get isDone(): boolean {
    return this.#read === HEADER_BYTES && this.#left === 0;
  }

  /** This is no header, or what follows it is scrambled. */
  get isBad(): boolean {
    return this.#isBad;
  }

  /** Takes what belongs to the header, and returns where that ends. */
  push(bytes: Buffer, start: number, end: number): number {
    let at = start;
    for (; at < end && this.#read < HEADER_BYTES && !this.#isBad; at += 1) {
      this.#isBad = !this.#takes(bytes[at] ?? 0);
      this.#read += 1;
    }
    const skipped = Math.min(this.#left, Math.max(0, end - at));
    this.#left -= skipped;
    return at + skipped;
  }

  #takes(byte: number): boolean {
    switch (this.#read) {
      case 0:
      case 1:
        return byte === 0;
      case 2:
        return byte === 1;
      case 6:
        return (byte & SCRAMBLING) === 0;
      case 8:
        this.#left = byte;
        return true;
      default:
        return true;
    }
  }
}
