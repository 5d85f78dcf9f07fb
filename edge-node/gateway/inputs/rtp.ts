import { SYNC_BYTE, TS_PACKET_BYTES } from '../../mpeg-ts/ts-packet.ts';
import { PacketView } from '../../ordering/packet-view.ts';
import { ReorderBuffer } from '../../ordering/reorder-buffer.ts';
import { distance } from '../../ordering/sequence.ts';

/**
 * MPEG-TS in RTP (RFC 3550, 5.1 and RFC 2250):
 *
 *     byte  0    version (2 bits, 2), padding?, extension?, count of CSRCs (4 bits)
 *           1    marker (1 bit), payload type (7 bits)
 *           2-3  sequence, counts packets modulo 2^16
 *           4-7  timestamp
 *           8-11 SSRC: which stream this is
 *           12-  CSRCs, 4 bytes each; an extension: 2 bytes, its length in 4-byte words (2 bytes), those;
 *                the payload; with padding, the last byte says how many bytes at the end are padding
 */
const HEADER_BYTES = 12;
const VERSION = 2;
const PADDING_FLAG = 0x20;
const EXTENSION_FLAG = 0x10;
const MPEG_TS_TYPE = 33;

const SEQUENCES = 2 ** 16;
/** Far from 0, where the ordering expects a source to begin. */
const FIRST_EXTENDED = 2 ** 24;

/** How long a late packet is waited for, and how far out of order one may come. */
const LIMITS = { maxPackets: 512, maxBytes: 2 * 1024 * 1024, deadlineMs: 50, settleMs: 10 };

export interface RtpSink {
  /** The payload of the next packet; valid during the call only. */
  bytes(bytes: Buffer, start: number, end: number): void;
  /** Packets are missing here, or another stream begins. */
  loss(): void;
}

/** Whether a datagram is RTP that carries MPEG-TS: of its type, or of any where whole TS packets follow. */
export function isRtp(datagram: Buffer): boolean {
  if (datagram.length < HEADER_BYTES || datagram.readUInt8(0) >> 6 !== VERSION) return false;
  if ((datagram.readUInt8(1) & 0x7f) === MPEG_TS_TYPE) return true;
  const start = payloadStart(datagram);
  const bytes = payloadEnd(datagram) - start;
  return bytes > 0 && bytes % TS_PACKET_BYTES === 0 && datagram[start] === SYNC_BYTE;
}

/** Where the payload begins by the header; past the packet's end if the header is wrong. */
function payloadStart(packet: Buffer, from = 0, end = packet.length): number {
  const flags = packet.readUInt8(from);
  const start = from + HEADER_BYTES + 4 * (flags & 0x0f);
  if ((flags & EXTENSION_FLAG) === 0) return start;
  return start + 4 > end ? end : start + 4 + 4 * packet.readUInt16BE(start + 2);
}

function payloadEnd(packet: Buffer, from = 0, end = packet.length): number {
  return (packet.readUInt8(from) & PADDING_FLAG) === 0 ? end : end - packet.readUInt8(end - 1);
}

/** Puts the packets of one stream in order, and tells of those that are missing. */
export class RtpReceiver {
  readonly #sink: RtpSink;
  #reorder: ReorderBuffer;
  #ssrc: number | undefined;
  /** The newest sequence, extended past 16 bits. */
  #newest = 0;
  /** Extended sequence of the packet handed on last. */
  #deliveredHigh = 0;
  #deliveredLow = 0;
  #hasDelivered = false;
  readonly #view = new PacketView();
  #lateBefore = 0;
  lostPackets = 0;
  malformedPackets = 0;

  constructor(sink: RtpSink) {
    this.#sink = sink;
    this.#reorder = this.#newOrder();
  }

  /** When `expire` next has something to do; Infinity if never. */
  get dueMs(): number {
    return this.#reorder.dueMs;
  }

  /** Packets that came again, or after they were given up. */
  get latePackets(): number {
    return this.#lateBefore + this.#reorder.counters.late;
  }

  push(packet: Buffer, nowMs: number): void {
    if (payloadStart(packet) >= payloadEnd(packet)) {
      this.malformedPackets += 1;
      return;
    }
    const ssrc = packet.readUInt32BE(8);
    const sequence = packet.readUInt16BE(2);
    if (ssrc !== this.#ssrc) this.#beginStream(ssrc, sequence, nowMs);
    const extended = this.#extend(sequence);
    const view = this.#view;
    view.high = Math.floor(extended / 2 ** 32);
    view.low = extended >>> 0;
    view.bytes = packet;
    view.end = packet.length;
    view.arrivedMs = nowMs;
    this.#reorder.push(view);
  }

  /** Gives up what has waited too long; call it at `dueMs`. */
  expire(nowMs: number): void {
    this.#reorder.expire(nowMs);
  }

  #beginStream(ssrc: number, sequence: number, nowMs: number): void {
    if (this.#ssrc !== undefined) {
      this.#reorder.expire(nowMs + 2 * LIMITS.deadlineMs); // what waits is handed on
      this.#lateBefore += this.#reorder.counters.late;
      this.#reorder = this.#newOrder();
      this.#hasDelivered = false;
      this.#sink.loss();
    }
    this.#ssrc = ssrc;
    this.#newest = FIRST_EXTENDED + sequence;
  }

  #extend(sequence: number): number {
    const ahead = (sequence - (this.#newest % SEQUENCES) + SEQUENCES) % SEQUENCES;
    const extended = this.#newest + (ahead < SEQUENCES / 2 ? ahead : ahead - SEQUENCES);
    if (extended > this.#newest) this.#newest = extended;
    return extended;
  }

  #newOrder(): ReorderBuffer {
    return new ReorderBuffer(LIMITS, {
      deliver: (view) => this.#deliver(view),
    });
  }

  #deliver({ high, low, bytes, start, end }: PacketView): void {
    const missing = distance(high, low, this.#deliveredHigh, this.#deliveredLow) - 1;
    if (this.#hasDelivered && missing !== 0) {
      if (missing > 0 && missing < LIMITS.maxPackets) this.lostPackets += missing;
      this.#sink.loss();
    }
    this.#hasDelivered = true;
    this.#deliveredHigh = high;
    this.#deliveredLow = low;
    this.#sink.bytes(bytes, payloadStart(bytes, start, end), payloadEnd(bytes, start, end));
  }
}
