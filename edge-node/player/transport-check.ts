const PACKET_BYTES = 188;
const SYNC_BYTE = 0x47;
const NULL_PID = 0x1fff;
const PAT_PID = 0;
const PAT_TABLE_ID = 0;
const PMT_TABLE_ID = 2;
/** table_id to last_section_number: what a program's list begins after. */
const SECTION_HEAD_BYTES = 8;
const CRC_BYTES = 4;

/** One of a program's streams, as its PMT has it. */
export interface ListedStream {
  /** stream_type, ISO/IEC 13818-1 table 2-34. */
  readonly type: number;
  /** The tags of its descriptors. */
  readonly tags: readonly number[];
}

/**
 * Looks at the transport stream that goes by: where packets of a PID are missing, and which streams there are, which
 * the library that plays them does not say of those that it cannot play. A PMT is read as far as its first packet goes.
 */
export class TransportCheck {
  readonly #counters = new Map<number, number>();
  #rest: Uint8Array = new Uint8Array();
  #pmtPid = -1;
  /** Breaks in a continuity counter. */
  gaps = 0;
  streams: readonly ListedStream[] = [];

  push(chunk: Uint8Array): void {
    const bytes = new Uint8Array(this.#rest.length + chunk.length);
    bytes.set(this.#rest);
    bytes.set(chunk, this.#rest.length);
    let at = 0;
    while (at + PACKET_BYTES <= bytes.length) {
      if (bytes[at] === SYNC_BYTE) {
        this.#packet(new DataView(bytes.buffer, at, PACKET_BYTES));
        at += PACKET_BYTES;
      } else at += 1;
    }
    this.#rest = bytes.slice(at);
  }

  #packet(packet: DataView): void {
    const header = packet.getUint32(0);
    const pid = (header >> 8) & 0x1fff;
    const hasAdaptation = (header & 0x20) !== 0;
    if (pid === NULL_PID || (header & 0x10) === 0) return;
    const adaptationBytes = hasAdaptation ? packet.getUint8(4) : 0;
    const isBreak = adaptationBytes > 0 && (packet.getUint8(5) & 0x80) !== 0;
    this.#count(pid, header & 0x0f, isBreak);
    const start = hasAdaptation ? 5 + adaptationBytes : 4;
    if ((header & 0x400000) === 0 || start >= PACKET_BYTES) return;
    const section = start + 1 + packet.getUint8(start);
    if (section + SECTION_HEAD_BYTES > PACKET_BYTES) return;
    const tableId = packet.getUint8(section);
    const isTable = (packet.getUint8(section + 1) & 0x80) !== 0;
    if (!isTable) return;
    if (pid === PAT_PID && tableId === PAT_TABLE_ID) this.#readPat(packet, section);
    else if (pid === this.#pmtPid && tableId === PMT_TABLE_ID) this.#readPmt(packet, section);
  }

  #count(pid: number, counter: number, isBreak: boolean): void {
    const last = this.#counters.get(pid);
    this.#counters.set(pid, counter);
    // A packet may be sent twice.
    if (last === undefined || isBreak || counter === last) return;
    if (counter !== ((last + 1) & 0x0f)) this.gaps += 1;
  }

  #readPat(packet: DataView, section: number): void {
    const end = sectionEnd(packet, section);
    for (let at = section + SECTION_HEAD_BYTES; at + 4 <= end; at += 4) {
      if (packet.getUint16(at) === 0) continue;
      this.#pmtPid = packet.getUint16(at + 2) & 0x1fff;
      return;
    }
  }

  #readPmt(packet: DataView, section: number): void {
    const end = sectionEnd(packet, section);
    const streams: ListedStream[] = [];
    let at = section + SECTION_HEAD_BYTES;
    if (at + 4 > end) return;
    at += 4 + (packet.getUint16(at + 2) & 0x0fff);
    while (at + 5 <= end) {
      const next = at + 5 + (packet.getUint16(at + 3) & 0x0fff);
      const tags: number[] = [];
      for (let tag = at + 5; tag + 2 <= Math.min(next, end); tag += 2 + packet.getUint8(tag + 1)) {
        tags.push(packet.getUint8(tag));
      }
      streams.push({ type: packet.getUint8(at), tags });
      at = next;
    }
    this.streams = streams;
  }
}

function sectionEnd(packet: DataView, section: number): number {
  const length = packet.getUint16(section + 1) & 0x0fff;
  return Math.min(section + 3 + length - CRC_BYTES, PACKET_BYTES);
}
