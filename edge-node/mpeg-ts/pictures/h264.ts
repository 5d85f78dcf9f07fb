import { ExpGolomb } from './exp-golomb.ts';
import { ParameterSets } from './parameter-sets.ts';
import type { PictureEvents, PictureRule } from './picture-rule.ts';
import { SeiMessages } from './sei-messages.ts';

/** nal_unit_type, ISO/IEC 14496-10, table 7-1. */
const SLICE = 1;
const SLICE_PARTITION_A = 2;
const IDR_SLICE = 5;
const SEI = 6;
const SEQUENCE_PARAMETERS = 7;
const PICTURE_PARAMETERS = 8;
const DELIMITER = 9;
const PREFIX = 14;
const RESERVED_LAST = 18;

/** payloadType of an SEI message (annex D). */
const RECOVERY_POINT = 6;

/** slice_type (table 7-6): modulo 5 the slice's own; from 5 on it is that of all slices of the picture. */
const I_SLICE = 2;
const SI_SLICE = 4;
const ALL_SLICES_ALIKE = 5;

/** What is known of a picture's slices: all that came so far are intra-coded, or one is not. */
type Slices = 'none' | 'intra' | 'inter';

/**
 * Key pictures of H.264: IDR pictures; with a sequence parameter set before them, pictures with a recovery point, and
 * those of I and SI slices alone. An IDR picture without one counts only where the stream does not repeat them.
 *
 * A picture begins with the first of these after a slice (7.4.1.2.3): delimiter, parameter set, SEI, a reserved type;
 * or with a slice whose first_mb_in_slice is 0. One whose beginning was not seen is no key picture.
 */
export class H264Pictures implements PictureRule {
  readonly #events: PictureEvents;
  readonly #slice = new ExpGolomb(2);
  readonly #sei = new SeiMessages(RECOVERY_POINT);
  readonly #parameters = new ParameterSets();
  #type = 0;
  /** The picture under way was seen from its beginning. */
  #isOpen = false;
  #slices: Slices = 'none';
  #hasParameters = false;
  #isRecoveryPoint = false;
  #isKey = false;

  constructor(events: PictureEvents) {
    this.#events = events;
  }

  reset(): void {
    this.#isOpen = false;
    this.#slices = 'none';
    this.#isKey = false;
    this.#hasParameters = false;
    this.#isRecoveryPoint = false;
  }

  unitBegan(first: number): boolean {
    this.#type = first & 0x1f;
    switch (this.#type) {
      case SLICE:
      case SLICE_PARTITION_A:
      case IDR_SLICE:
        this.#slice.start();
        return true;
      case DELIMITER:
        this.#begin();
        return false;
      case SEQUENCE_PARAMETERS:
        this.#beginAfterSlices();
        this.#hasParameters = true;
        return false;
      case SEI:
        this.#beginAfterSlices();
        this.#sei.start();
        return this.#hasParameters; // without them a recovery point is no start
      default:
        if (this.#type === PICTURE_PARAMETERS) this.#beginAfterSlices();
        else if (this.#type >= PREFIX && this.#type <= RESERVED_LAST) this.#beginAfterSlices();
        return false;
    }
  }

  unitByte(byte: number): boolean {
    if (this.#type === SEI) {
      const isMoreWanted = this.#sei.push(byte);
      if (this.#sei.isFound) this.#isRecoveryPoint = true;
      return isMoreWanted;
    }
    const isMoreWanted = this.#slice.push(byte);
    if (this.#slice.isDone) this.#sliceBegan(this.#slice.value(0), this.#slice.value(1));
    return isMoreWanted;
  }

  #begin(): void {
    this.#endPicture();
    this.reset();
    this.#isOpen = true;
    this.#events.pictureBegan();
  }

  /** These come before a picture's slices: after any they begin the next picture. */
  #beginAfterSlices(): void {
    if (!this.#isOpen || this.#slices !== 'none') this.#begin();
  }

  #sliceBegan(firstMacroblock: number, type: number): void {
    if (firstMacroblock === 0 && (!this.#isOpen || this.#slices !== 'none')) this.#begin();
    const isFirst = this.#slices === 'none';
    const isIntra = type % ALL_SLICES_ALIKE === I_SLICE || type % ALL_SLICES_ALIKE === SI_SLICE;
    this.#slices = isIntra && this.#slices !== 'inter' ? 'intra' : 'inter';
    if (this.#type === IDR_SLICE) {
      if (isFirst && this.#parameters.allowStart(this.#hasParameters)) this.#key();
    } else if (this.#hasParameters && this.#isKeySlice(type)) {
      this.#key();
    }
    // One I slice, and it is not said of all: the others are waited for.
    const isOpen = this.#slices === 'intra' && this.#hasParameters && !this.#isKey;
    if (!isOpen) this.#events.pictureJudged();
  }

  #isKeySlice(type: number): boolean {
    const isAllIntra = this.#slices === 'intra' && type >= ALL_SLICES_ALIKE;
    return this.#isRecoveryPoint || isAllIntra;
  }

  /** The picture is over. Where no slice spoke for all of them, only now is it certain that all are intra-coded. */
  #endPicture(): void {
    if (this.#slices === 'intra' && this.#hasParameters) this.#key();
  }

  #key(): void {
    if (this.#isKey || !this.#isOpen) return;
    this.#isKey = true;
    this.#events.keyPictureFound();
  }
}
