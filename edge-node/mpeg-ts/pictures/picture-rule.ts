/** What a codec's rule tells of the units that it is shown. */
export interface PictureEvents {
  /** The unit that began last is the first of a picture's: a decoder that starts at the picture starts here. */
  pictureBegan(): void;
  /** The picture under way is a key picture: a decoder can start at it. Told at most once of each. */
  keyPictureFound(): void;
  /** The picture under way has shown whether it is one: nothing more of it is wanted. */
  pictureJudged(): void;
}

/**
 * Reads the units of one codec's stream, as a StartCodes hands them over: NAL units, or what follows the start codes
 * of MPEG-1 and 2. Pure and of constant size; never throws, whatever the bytes.
 */
export interface PictureRule {
  /** A unit begins with this byte. Returns whether more of it is wanted. */
  unitBegan(first: number): boolean;
  /** The next byte of the unit, emulation prevention removed. Returns whether more of it is wanted. */
  unitByte(byte: number): boolean;
  /** Something is missing here: what is under way is not whole. */
  reset(): void;
}
