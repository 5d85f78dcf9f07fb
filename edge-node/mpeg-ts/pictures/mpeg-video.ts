import type { PictureEvents, PictureRule } from './picture-rule.ts';

/** Start codes, ISO/IEC 13818-2, table 6-1. */
const PICTURE = 0x00;
const SEQUENCE = 0xb3;
const GROUP = 0xb8;
/** picture_coding_type (table 6-12). */
const INTRA = 1;

/**
 * Key pictures of MPEG-1 and MPEG-2: I pictures with a sequence header before them. A picture begins with the first
 * of sequence header, group header and picture header after the last picture's. A picture header is
 * temporal_reference (10 bits), picture_coding_type (3 bits), and more.
 */
export class MpegVideoPictures implements PictureRule {
  readonly #events: PictureEvents;
  /** Sequence headers have come, and the picture that follows them has not come yet. */
  #isOpen = false;
  #hasSequence = false;
  #byte = 0;

  constructor(events: PictureEvents) {
    this.#events = events;
  }

  reset(): void {
    this.#isOpen = false;
    this.#hasSequence = false;
  }

  unitBegan(first: number): boolean {
    if (first === SEQUENCE || first === GROUP || first === PICTURE) {
      if (!this.#isOpen) this.#events.pictureBegan();
      this.#isOpen = true;
    }
    if (first === SEQUENCE) this.#hasSequence = true;
    this.#byte = 0;
    return first === PICTURE;
  }

  unitByte(byte: number): boolean {
    this.#byte += 1;
    if (this.#byte < 2) return true;
    const isKey = this.#hasSequence && ((byte >> 3) & 7) === INTRA;
    this.reset();
    if (isKey) this.#events.keyPictureFound();
    this.#events.pictureJudged();
    return false;
  }
}
