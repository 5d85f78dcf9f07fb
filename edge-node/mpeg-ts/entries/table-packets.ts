import { lastSectionNumberOf, SectionReader, sectionNumberOf } from '../sections.ts';
import { TS_PACKET_BYTES } from '../ts-packet.ts';

/** A section of 4 KiB takes 23 packets; a table that takes more than this is not copied. */
const TABLE_MAX_PACKETS = 32;

const NOTHING: Buffer = Buffer.alloc(0);

/** Packets in a row, in one buffer that grows to what is needed and stays so. */
class PacketList {
  #bytes = NOTHING;
  count = 0;

  /** @returns false where there is no room for so many */
  append(bytes: Buffer, at: number, packets: number): boolean {
    const count = this.count + packets;
    if (count > TABLE_MAX_PACKETS) return false;
    if (count * TS_PACKET_BYTES > this.#bytes.length) this.#grow(count);
    bytes.copy(this.#bytes, this.count * TS_PACKET_BYTES, at, at + packets * TS_PACKET_BYTES);
    this.count = count;
    return true;
  }

  /** Adds the last `packets` of another list. */
  appendLast(other: PacketList, packets: number): boolean {
    return this.append(other.#bytes, (other.count - packets) * TS_PACKET_BYTES, packets);
  }

  /** Drops all but the last `packets`. */
  keepLast(packets: number): void {
    if (packets > 0 && packets < this.count) {
      const from = (this.count - packets) * TS_PACKET_BYTES;
      this.#bytes.copyWithin(0, from, this.count * TS_PACKET_BYTES);
    }
    this.count = Math.min(this.count, packets);
  }

  /** Copies them, each followed by as many zeros as make it `stride` bytes. */
  copyTo(target: Buffer, at: number, stride: number): void {
    for (let index = 0; index < this.count; index += 1) {
      const from = index * TS_PACKET_BYTES;
      this.#bytes.copy(target, at + index * stride, from, from + TS_PACKET_BYTES);
    }
  }

  #grow(count: number): void {
    const grown = Buffer.alloc(Math.max(count, 2 * this.count) * TS_PACKET_BYTES);
    this.#bytes.copy(grown);
    this.#bytes = grown;
  }
}

/** Takes a section of the PID, and returns whether it belongs to the table that is wanted. */
type AcceptSection = (section: Buffer, length: number) => boolean;

/**
 * Reads the sections of one PID, and keeps a copy of the packets in which one table came last as a whole: all of its
 * sections in order. Their counters stay as they are, so that the stream goes on from them.
 */
export class TablePackets {
  readonly #accept: AcceptSection;
  readonly #reader = new SectionReader((section, length, packets) =>
    this.#onSection(section, length, packets),
  );
  /** The packets taken last, as far as sections in them may still be under way. */
  readonly #recent = new PacketList();
  /** The table as far as it has come, and the table that came last. */
  #partial = new PacketList();
  #whole = new PacketList();
  #nextSection = 0;
  /** Packets taken so far, and up to which of them the partial table holds. */
  #taken = 0;
  #held = 0;
  #version = 0;

  constructor(accept: AcceptSection) {
    this.#accept = accept;
  }

  /** How many packets the table takes; 0 while none has come. */
  get packets(): number {
    return this.#whole.count;
  }

  /** Changes with each table that has come. */
  get version(): number {
    return this.#version;
  }

  copyTo(target: Buffer, at: number, stride: number): void {
    this.#whole.copyTo(target, at, stride);
  }

  /** Takes the packet at `at`, which is of this PID. */
  push(bytes: Buffer, at: number, header: number): void {
    if (!this.#reader.takes(header)) return;
    if (!this.#recent.append(bytes, at, 1)) {
      // Sections that follow one another without an end: none of them is the table's.
      this.#recent.count = 0;
      this.#reader.reset();
      return;
    }
    this.#taken += 1;
    this.#reader.push(bytes, at, header);
    this.#recent.keepLast(this.#reader.openPackets);
  }

  #onSection(section: Buffer, length: number, packets: number): void {
    if (!this.#accept(section, length)) return;
    const number = sectionNumberOf(section);
    if (number === 0) this.#partial.count = 0;
    else if (number !== this.#nextSection) return;
    // Two sections of the table may share a packet.
    const added = number === 0 ? packets : Math.min(packets, this.#taken - this.#held);
    this.#held = this.#taken;
    this.#nextSection = number + 1;
    if (packets > this.#recent.count || !this.#partial.appendLast(this.#recent, added)) {
      this.#nextSection = 0;
    } else if (number === lastSectionNumberOf(section)) {
      [this.#partial, this.#whole] = [this.#whole, this.#partial];
      this.#nextSection = 0;
      this.#version += 1;
    }
  }
}
