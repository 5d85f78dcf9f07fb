import { crc32Mpeg } from './crc32.ts';
import {
  continuityOf,
  followsOn,
  hasError,
  hasPayload,
  isRepeat,
  isScrambled,
  NO_CONTINUITY,
  payloadStart,
  startsUnit,
  TS_PACKET_BYTES,
} from './ts-packet.ts';

/**
 * Sections (ISO/IEC 13818-1, 2.4.4): tables travel in them. Where a packet starts a unit, its payload begins with
 * pointer_field, a byte that tells how many bytes of an earlier section come first; then sections follow one another
 * and may go on in later packets. A table_id of 0xff ends a packet's sections: the rest is stuffing.
 *
 *     byte  0    table_id
 *           1-2  section_syntax_indicator (1 bit), 3 bits more, section_length (12 bits): bytes after these
 *           3-4  table_id_extension: what the table is about
 *           5    2 bits, version_number (5 bits), current_next_indicator (1 bit: 0 is for later)
 *           6-7  section_number, last_section_number
 *           8-   the table, and at the end CRC-32 over all before it
 */
const START_BYTES = 3;
const SECTION_HEADER_BYTES = 8;
const CRC_BYTES = 4;
const STUFFING = 0xff;
/** The most that section_length allows (2.4.4.11); what claims to be longer is no section. */
export const SECTION_MAX_BYTES = 4096;
/** Nearly all tables fit this; a longer one makes the reader's buffer grow, once. */
const SECTION_USUAL_BYTES = 512;

/**
 * Called with each whole section, its CRC found right. It is valid during the call alone. It came in the last
 * `packets` packets that were taken.
 */
export type OnSection = (section: Buffer, length: number, packets: number) => void;

/**
 * Puts the sections of one PID together, which may begin and end anywhere in packets. Only those with a CRC are
 * handed on, and none whose CRC is wrong, or of which a packet was lost.
 */
export class SectionReader {
  readonly #onSection: OnSection;
  #section = Buffer.alloc(SECTION_USUAL_BYTES);
  #open = false;
  #filled = 0;
  #packets = 0;
  #continuity = NO_CONTINUITY;

  constructor(onSection: OnSection) {
    this.#onSection = onSection;
  }

  /** How many of the packets taken last hold a section that goes on in a later one; 0 where none does. */
  get openPackets(): number {
    return this.#open ? this.#packets : 0;
  }

  /** Forgets the section under way. */
  reset(): void {
    this.#open = false;
    this.#continuity = NO_CONTINUITY;
  }

  /** Whether `push` would take this packet: not a damaged, scrambled, empty or repeated one. */
  takes(header: number): boolean {
    if (hasError(header) || isScrambled(header) || !hasPayload(header)) return false;
    // A repeated beginning is read again: it does no harm, and some senders never move the counter of their tables.
    return !this.#open || startsUnit(header) || !isRepeat(this.#continuity, header);
  }

  /** Takes the packet at `at`, which is of this reader's PID. */
  push(bytes: Buffer, at: number, header: number): void {
    if (!this.takes(header)) return;
    if (!followsOn(this.#continuity, header)) this.#open = false;
    this.#continuity = continuityOf(header);
    this.#packets += 1;

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
      this.#packets = 1;
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
      if (wanted > this.#section.length) this.#grow();
      if (this.#filled < wanted) continue;
      this.#open = false;
      if (isWhole(this.#section, wanted)) {
        this.#onSection(this.#section, wanted, this.#packets);
      }
    }
    return at;
  }

  /** Bytes of the section as far as it is known. */
  #wanted(): number {
    if (this.#filled < START_BYTES) return START_BYTES;
    return START_BYTES + (this.#section.readUInt16BE(1) & 0x0fff);
  }

  #grow(): void {
    const section = Buffer.alloc(SECTION_MAX_BYTES);
    this.#section.copy(section);
    this.#section = section;
  }
}

/** Whether it has the long form's header and its CRC is right. */
function isWhole(section: Buffer, length: number): boolean {
  if (length < SECTION_HEADER_BYTES + CRC_BYTES) return false;
  return (section.readUInt8(1) & 0x80) !== 0 && crc32Mpeg(section, 0, length) === 0;
}

export const tableIdOf = (section: Buffer): number => section.readUInt8(0);
export const tableExtensionOf = (section: Buffer): number => section.readUInt16BE(3);
export const versionOf = (section: Buffer): number => (section.readUInt8(5) >> 1) & 0x1f;
/** It applies now, not later. */
export const isCurrent = (section: Buffer): boolean => (section.readUInt8(5) & 1) === 1;
export const sectionNumberOf = (section: Buffer): number => section.readUInt8(6);
export const lastSectionNumberOf = (section: Buffer): number => section.readUInt8(7);
export const crcOf = (section: Buffer, length: number): number =>
  section.readUInt32BE(length - CRC_BYTES);
/** Where the table begins in a section, and where it ends in one of `length` bytes. */
export const BODY_START = SECTION_HEADER_BYTES;
export const bodyEnd = (length: number): number => length - CRC_BYTES;

export interface SectionFields {
  readonly tableId: number;
  readonly extension: number;
  readonly body: Uint8Array;
  readonly version?: number;
  readonly isCurrent?: boolean;
  readonly number?: number;
  readonly lastNumber?: number;
  /** The bit after section_syntax_indicator: 0 in the tables of 13818-1, 1 in those of EN 300 468. */
  readonly privateBit?: 0 | 1;
}

/**
 * One section, CRC included.
 * @throws RangeError where it would be too long
 */
export function encodeSection(fields: SectionFields): Buffer {
  const { tableId, extension, body, version = 0, isCurrent: current = true } = fields;
  const length = SECTION_HEADER_BYTES + body.length + CRC_BYTES;
  if (length > SECTION_MAX_BYTES) throw new RangeError(`a section of ${length} bytes is too long`);
  const section = Buffer.alloc(length);
  section.writeUInt8(tableId, 0);
  section.writeUInt16BE(0xb000 | ((fields.privateBit ?? 0) << 14) | (length - START_BYTES), 1);
  section.writeUInt16BE(extension, 3);
  section.writeUInt8(0xc0 | (version << 1) | (current ? 1 : 0), 5);
  section.writeUInt8(fields.number ?? 0, 6);
  section.writeUInt8(fields.lastNumber ?? 0, 7);
  section.set(body, SECTION_HEADER_BYTES);
  section.writeUInt32BE(crc32Mpeg(section, 0, length - CRC_BYTES), length - CRC_BYTES);
  return section;
}
