import {
  continuityOf,
  hasError,
  hasPayload,
  isRandomAccess,
  isScrambled,
  isTransportStream,
  PAT_PID,
  payloadStart,
  pidOf,
  startsUnit,
  TS_PACKET_BYTES,
} from './ts-packet.ts';

const PAT_TABLE = 0x00;
const PMT_TABLE = 0x02;
/** A table id that ends a packet's sections: the rest is stuffing. */
const STUFFING = 0xff;
const SECTION_HEADER_BYTES = 3;
const SECTION_MAX_BYTES = 1024;
const CRC_BYTES = 4;

/** Stream types that are pictures: MPEG-1, 2, 4, AVC and its extensions, JPEG 2000, HEVC, VVC, AVS, Dirac, VC-1. */
const VIDEO_TYPES: ReadonlySet<number> = new Set([
  0x01, 0x02, 0x10, 0x1b, 0x1f, 0x20, 0x21, 0x24, 0x25, 0x33, 0x34, 0x42, 0xd1, 0xd2, 0xd4, 0xea,
]);

/** No PID has this value. */
const NO_PID = -1;

/** Called with the whole section, valid during the call alone, and the position where it began. */
type OnSection = (section: Buffer, length: number, position: number) => void;

/** Puts the sections of one PID together, which may begin and end anywhere in packets. */
class SectionReader {
  readonly #onSection: OnSection;
  readonly #section = Buffer.alloc(SECTION_MAX_BYTES);
  #open = false;
  #filled = 0;
  #position = 0;
  #continuity = 0;

  constructor(onSection: OnSection) {
    this.#onSection = onSection;
  }

  /** Forgets the section under way. */
  reset(): void {
    this.#open = false;
  }

  /** Takes the packet at `at`. */
  push(bytes: Buffer, at: number, header: number, position: number): void {
    if (isScrambled(header) || !hasPayload(header)) return;
    const continuity = continuityOf(header);
    if (this.#open && continuity === this.#continuity && !startsUnit(header)) return; // sent twice
    if (continuity !== ((this.#continuity + 1) & 0x0f)) this.#open = false;
    this.#continuity = continuity;

    const end = at + TS_PACKET_BYTES;
    let from = payloadStart(bytes, at, header);
    if (!startsUnit(header)) {
      this.#take(bytes, from, end);
      return;
    }
    if (from >= end) return;
    const first = from + 1 + bytes.readUInt8(from);
    this.#take(bytes, from + 1, Math.min(first, end));
    this.#open = false;
    from = first;
    while (from < end && bytes[from] !== STUFFING) {
      this.#open = true;
      this.#filled = 0;
      this.#position = position;
      from = this.#take(bytes, from, end);
    }
  }

  /** Adds what belongs to the open section, and returns where that ends. */
  #take(bytes: Buffer, from: number, end: number): number {
    let at = from;
    while (this.#open && at < end) {
      const part = Math.min(this.#wanted() - this.#filled, end - at);
      bytes.copy(this.#section, this.#filled, at, at + part);
      this.#filled += part;
      at += part;
      const wanted = this.#wanted();
      if (wanted > SECTION_MAX_BYTES) {
        this.#open = false;
        return end;
      }
      if (this.#filled < wanted) continue;
      this.#open = false;
      this.#onSection(this.#section, wanted, this.#position);
    }
    return at;
  }

  /** Bytes of the section as far as it is known. */
  #wanted(): number {
    if (this.#filled < SECTION_HEADER_BYTES) return SECTION_HEADER_BYTES;
    return SECTION_HEADER_BYTES + (this.#section.readUInt16BE(1) & 0x0fff);
  }
}

/** What EntryPointFinder.entry is while none was found. */
export const NO_ENTRY = -1;

/**
 * Finds where a decoder can start in the payloads of one channel: at the last PAT before a random access packet of
 * the video (of any PID where the PMT lists no video), with the PMT between the two. Of several programs the first
 * counts. Allocates nothing per payload, never throws, and reads nothing outside of the payload.
 *
 * A position is whatever number, 0 or more, the caller knows a payload by.
 */
export class EntryPointFinder {
  #entry = NO_ENTRY;
  /** Where the last PAT began; NO_ENTRY once it has become an entry. */
  #candidate = NO_ENTRY;
  #program = 0;
  #pmtPid = NO_PID;
  #videoPid = NO_PID;
  /** The PMT has come since the last PAT. */
  #mapped = false;
  readonly #pat = new SectionReader((section, length, position) =>
    this.#onPat(section, length, position),
  );
  readonly #pmt = new SectionReader((section, length) => this.#onPmt(section, length));

  /** Position of the payload at which the newest complete entry point begins. */
  get entry(): number {
    return this.#entry;
  }

  /**
   * Takes the next payload in order.
   * @returns false where it is not made of whole TS packets
   */
  push(bytes: Buffer, start: number, end: number, position: number): boolean {
    if (!isTransportStream(bytes, start, end)) {
      this.#candidate = NO_ENTRY;
      this.#pat.reset();
      this.#pmt.reset();
      return false;
    }
    for (let at = start; at < end; at += TS_PACKET_BYTES) {
      const header = bytes.readUInt32BE(at);
      if (hasError(header)) continue;
      const pid = pidOf(header);
      if (pid === PAT_PID) this.#pat.push(bytes, at, header, position);
      else if (pid === this.#pmtPid) this.#pmt.push(bytes, at, header, position);
      else if (
        this.#mapped &&
        this.#candidate !== NO_ENTRY &&
        this.#starts(bytes, at, header, pid)
      ) {
        this.#entry = this.#candidate;
        this.#candidate = NO_ENTRY;
      }
    }
    return true;
  }

  #starts(bytes: Buffer, at: number, header: number, pid: number): boolean {
    return (
      (this.#videoPid === NO_PID || pid === this.#videoPid) && isRandomAccess(bytes, at, header)
    );
  }

  /** Table id, length (12 bits), stream id, version and "current" flag, two numbers; then (program, PID) pairs. */
  #onPat(section: Buffer, length: number, position: number): void {
    if (!isCurrent(section, length, PAT_TABLE)) return;
    for (let at = 8; at + 4 <= length - CRC_BYTES; at += 4) {
      const program = section.readUInt16BE(at);
      if (program === 0) continue; // the network's own table, not a program
      const pmtPid = section.readUInt16BE(at + 2) & 0x1fff;
      this.#pmt.reset(); // one that began before the PAT is not between
      this.#program = program;
      this.#pmtPid = pmtPid;
      this.#mapped = false;
      this.#candidate = position;
      return;
    }
  }

  /** As the PAT, up to the PCR's PID; then descriptors by length, then streams: type, PID, descriptors by length. */
  #onPmt(section: Buffer, length: number): void {
    if (!isCurrent(section, length, PMT_TABLE)) return;
    if (length < 12 + CRC_BYTES || section.readUInt16BE(3) !== this.#program) return;
    this.#mapped = true;
    this.#videoPid = NO_PID;
    let at = 12 + (section.readUInt16BE(10) & 0x0fff);
    while (at + 5 <= length - CRC_BYTES) {
      if (VIDEO_TYPES.has(section.readUInt8(at))) {
        this.#videoPid = section.readUInt16BE(at + 1) & 0x1fff;
        return;
      }
      at += 5 + (section.readUInt16BE(at + 3) & 0x0fff);
    }
  }
}

/** Whether this is a table of that kind which applies now, not later. */
function isCurrent(section: Buffer, length: number, table: number): boolean {
  return (
    length >= 8 + CRC_BYTES && section.readUInt8(0) === table && (section.readUInt8(5) & 1) === 1
  );
}
