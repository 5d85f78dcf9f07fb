import { ParameterSets } from './parameter-sets.ts';
import type { PictureEvents, PictureRule } from './picture-rule.ts';

/** nal_unit_type, ISO/IEC 23008-2, table 7-1. */
const FIRST_IRAP = 16;
const LAST_IRAP = 23;
const LAST_SLICE = 31;
const VIDEO_PARAMETERS = 32;
const SEQUENCE_PARAMETERS = 33;
const PICTURE_PARAMETERS = 34;
const DELIMITER = 35;
const PREFIX_SEI = 39;

/** Types that come before a picture's slices, and after any begin the next picture (7.4.2.4.4). */
function beginsPicture(type: number): boolean {
  if (type >= VIDEO_PARAMETERS && type <= PICTURE_PARAMETERS) return true;
  return type === PREFIX_SEI || (type >= 41 && type <= 44) || (type >= 48 && type <= 55);
}

/**
 * Key pictures of HEVC: those of the intra random access types (IDR, CRA, BLA); without a sequence parameter set before
 * them only where the stream does not repeat them. A unit's header is two bytes: a zero,
 * nal_unit_type (6 bits), nuh_layer_id (6), a time level (3). A slice of the base layer begins with
 * first_slice_segment_in_pic_flag.
 */
export class HevcPictures implements PictureRule {
  readonly #events: PictureEvents;
  readonly #parameters = new ParameterSets();
  #type = 0;
  #byte = 0;
  #isOpen = false;
  #hasSlice = false;
  #hasParameters = false;

  constructor(events: PictureEvents) {
    this.#events = events;
  }

  reset(): void {
    this.#isOpen = false;
    this.#hasSlice = false;
    this.#hasParameters = false;
  }

  unitBegan(first: number): boolean {
    this.#type = first >> 1;
    this.#byte = 0;
    const isOfUpperLayer = (first & 1) !== 0; // the top bit of nuh_layer_id
    return !isOfUpperLayer && (this.#type <= DELIMITER || beginsPicture(this.#type));
  }

  unitByte(byte: number): boolean {
    this.#byte += 1;
    if (this.#byte === 1) {
      const isOfUpperLayer = byte >> 3 !== 0;
      if (isOfUpperLayer) return false;
      if (this.#type <= LAST_SLICE) return true;
      if (this.#type === DELIMITER || !this.#isOpen || this.#hasSlice) this.#begin();
      if (this.#type === SEQUENCE_PARAMETERS) this.#hasParameters = true;
      return false;
    }
    const isFirst = (byte & 0x80) !== 0;
    if (isFirst && (!this.#isOpen || this.#hasSlice)) this.#begin();
    const isKey = !this.#hasSlice && this.#type >= FIRST_IRAP && this.#type <= LAST_IRAP;
    this.#hasSlice = true;
    if (isKey && this.#parameters.allowStart(this.#hasParameters)) this.#key();
    this.#events.pictureJudged();
    return false;
  }

  #begin(): void {
    this.reset();
    this.#isOpen = true;
    this.#events.pictureBegan();
  }

  #key(): void {
    if (!this.#isOpen) return;
    this.#events.keyPictureFound();
  }
}
