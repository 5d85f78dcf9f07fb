import {
  continuityOf,
  followsOn,
  hasPayload,
  isRepeat,
  NO_CONTINUITY,
  payloadStart,
  startsUnit,
  TS_PACKET_BYTES,
} from '../ts-packet.ts';
import { H264Pictures } from './h264.ts';
import { HevcPictures } from './hevc.ts';
import { MpegVideoPictures } from './mpeg-video.ts';
import { PesHeader } from './pes-header.ts';
import { PesLayout } from './pes-layout.ts';
import type { PictureEvents, PictureRule } from './picture-rule.ts';
import { StartCodes, type Units } from './start-codes.ts';

export type PictureCodec = 'h264' | 'hevc' | 'mpegVideo';

const RULES = {
  h264: H264Pictures,
  hevc: HevcPictures,
  mpegVideo: MpegVideoPictures,
} as const;

const START_CODE_BYTES = 3;

/** No place in a stream. */
const NOWHERE = -1;

/** Waiting for a PES packet's beginning, in its header, in the stream, or past what matters of it. */
type State = 'waiting' | 'inHeader' | 'inStream' | 'passing';

/**
 * Finds the key pictures of one video PID. A picture's place is that of the packet in which the PES packet begins that
 * holds the picture's first byte: from there on a decoder gets it whole.
 */
export class KeyPictures implements Units, PictureEvents {
  readonly #onKey: (streamAt: number) => void;
  readonly #rule: PictureRule;
  readonly #codes: StartCodes;
  readonly #header = new PesHeader();
  readonly #layout = new PesLayout();
  #state: State = 'waiting';
  #continuity = NO_CONTINUITY;
  /** Where the PES packet began, and the one before it. */
  #pesAt = NOWHERE;
  #earlierPesAt = NOWHERE;
  /** To be added to an index in the buffer under way: how many bytes of this PES packet's stream lie before it. */
  #pesBytes = 0;
  #unitAt = NOWHERE;
  #pictureAt = NOWHERE;

  constructor(codec: PictureCodec, onKey: (streamAt: number) => void) {
    this.#onKey = onKey;
    this.#rule = new RULES[codec](this);
    this.#codes = new StartCodes(this);
  }

  /** Something is missing: goes on with the next PES packet. */
  reset(): void {
    this.#state = 'waiting';
    this.#pesAt = NOWHERE;
    this.#codes.reset();
    this.#rule.reset();
  }

  /** Takes the packet at `at`, which is of this PID and not scrambled; it began at `streamAt` of the stream. */
  push(bytes: Buffer, at: number, header: number, streamAt: number): void {
    if (!hasPayload(header) || isRepeat(this.#continuity, header)) return;
    if (!followsOn(this.#continuity, header)) this.reset();
    this.#continuity = continuityOf(header);

    const end = at + TS_PACKET_BYTES;
    let from = payloadStart(bytes, at, header);
    if (startsUnit(header)) this.#beginPes(streamAt);
    if (this.#state === 'inHeader') {
      from = this.#header.push(bytes, from, end);
      if (this.#header.isBad) this.reset();
      else if (this.#header.isDone) this.#state = 'inStream';
    }
    if (this.#state !== 'inStream' || from >= end) return;
    this.#pesBytes -= from;
    this.#codes.push(bytes, from, end);
    this.#pesBytes += end;
  }

  unitBegan(first: number, at: number): boolean {
    // The start code may have begun in the PES packet before.
    const isOwn = this.#pesBytes + at >= START_CODE_BYTES;
    this.#unitAt = isOwn ? this.#pesAt : this.#earlierPesAt;
    if (isOwn) this.#layout.unitBegan();
    return this.#rule.unitBegan(first);
  }

  unitByte(byte: number): boolean {
    return this.#rule.unitByte(byte);
  }

  pictureBegan(): void {
    this.#pictureAt = this.#unitAt;
    this.#layout.pictureBegan();
  }

  keyPictureFound(): void {
    if (this.#pictureAt !== NOWHERE) this.#onKey(this.#pictureAt);
  }

  pictureJudged(): void {
    if (this.#layout.mayPassOver) this.#state = 'passing';
  }

  #beginPes(streamAt: number): void {
    if (this.#state === 'passing') this.#codes.reset();
    this.#layout.pesBegan();
    this.#header.start();
    this.#state = 'inHeader';
    this.#earlierPesAt = this.#pesAt;
    this.#pesAt = streamAt;
    this.#pesBytes = 0;
  }
}
