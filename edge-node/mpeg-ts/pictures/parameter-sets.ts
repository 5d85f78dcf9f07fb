/** Key pictures without parameter sets, in a row, after which nobody expects any with them. */
const BARE_PICTURES = 16;

/**
 * Whether a decoder can start at a key picture that brings no parameter sets. Where a stream repeats them at other key
 * pictures it cannot, for it would wait for those; where they came once, long ago, users who were there have them.
 */
export class ParameterSets {
  #bare = BARE_PICTURES;

  /** A key picture has come, with its own parameter sets or without. Returns whether a decoder can start at it. */
  allowStart(hasOwn: boolean): boolean {
    if (hasOwn) this.#bare = 0;
    else if (this.#bare < BARE_PICTURES) this.#bare += 1;
    return hasOwn || this.#bare === BARE_PICTURES;
  }
}
