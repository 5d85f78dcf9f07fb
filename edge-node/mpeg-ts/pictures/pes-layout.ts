/** So many PES packets in a row show how a sender cuts its stream. After that one in so many is still looked at. */
const WHOLE_PACKETS = 16;

/**
 * Learns whether a stream has one picture in each PES packet, beginning with it, as nearly all senders do: then the rest
 * of a picture that is judged can be passed over. One packet in sixteen is still read whole, so that a change shows.
 */
export class PesLayout {
  /** Of the packet under way. */
  #units = 0;
  #pictures = 0;
  #isReadWhole = true;
  #isSingle = false;
  /** Packets in a row, of those read whole, that held a single picture; and how many were not read whole since. */
  #singles = 0;
  #passed = 0;

  /** What is left of the packet under way need not be read. */
  get mayPassOver(): boolean {
    return !this.#isReadWhole;
  }

  pesBegan(): void {
    if (this.#isReadWhole)
      this.#singles = this.#isSingle && this.#pictures === 1 ? this.#singles + 1 : 0;
    this.#isReadWhole = this.#singles < WHOLE_PACKETS || this.#passed + 1 >= WHOLE_PACKETS;
    this.#passed = this.#isReadWhole ? 0 : this.#passed + 1;
    this.#units = 0;
    this.#pictures = 0;
    this.#isSingle = false;
  }

  unitBegan(): void {
    this.#units += 1;
  }

  pictureBegan(): void {
    this.#pictures += 1;
    this.#isSingle = this.#pictures === 1 && this.#units === 1;
  }
}
