import { SourceError } from '../../shared/errors.ts';
import { BAD_HEADERS_MAX } from '../../shared/limits.ts';
import { PacketView } from '../ordering/packet-view.ts';
import { channelKeyAt, HEADER_BYTES, LENGTH_OFFSET, SEQUENCE_OFFSET } from './packet.ts';

/** Takes decoded packets. The view and its payload belong to the decoder again after the call. */
export interface PacketSink {
  /** @returns whether the channel id can be one */
  packet(channelKey: number, packet: PacketView): boolean;
}

/** Where a header should be there is none. Nobody knows where the next one begins, so only a new connection helps. */
export class FramingLostError extends SourceError {}

/**
 * Cuts the byte stream of port 9110 into packets (layout: edge-node/source/packet.ts). One decoder per connection.
 *
 * Invariant: between two calls `#carry[0, #carried)` is the beginning of one packet, or nothing. Only a packet that
 * two reads share is copied here; all others are handed on as views of the chunk.
 */
export class PacketDecoder {
  readonly #maxPayloadBytes: number;
  readonly #sink: PacketSink;
  readonly #view = new PacketView();
  #carry = Buffer.allocUnsafeSlow(4096);
  #carried = 0;
  /** Headers in a row, up to the newest, whose channel id cannot be one. */
  #badHeaders = 0;
  /** Packets so far that have a channel id. */
  accepted = 0;

  /** @param source the number of the source whose packets these are, where there are several */
  constructor(maxPayloadBytes: number, sink: PacketSink, source = 0) {
    this.#maxPayloadBytes = maxPayloadBytes;
    this.#sink = sink;
    this.#view.source = source;
  }

  /**
   * Takes bytes that were read at a time; a packet arrives with its last one.
   * @throws FramingLostError after which the decoder must not be used again before `restart`
   */
  push(chunk: Buffer, nowMs: number): void {
    this.#view.arrivedMs = nowMs;
    let at = this.#carried === 0 ? 0 : this.#completeCarried(chunk);
    while (chunk.length - at >= HEADER_BYTES) {
      const end = at + this.#packetBytes(chunk, at);
      if (end > chunk.length) break;
      this.#emit(chunk, at, end);
      at = end;
    }
    if (at < chunk.length) this.#carryOn(chunk, at, chunk.length - at);
  }

  /**
   * What comes next follows nothing: another stream begins, here or after FramingLostError.
   * @returns whether a packet was cut off
   */
  restart(): boolean {
    const isCut = this.#carried > 0;
    this.#carried = 0;
    this.#badHeaders = 0;
    return isCut;
  }

  /** Adds to the carried packet what it lacks, hands it on once whole, and returns where the next one begins. */
  #completeCarried(chunk: Buffer): number {
    let at = 0;
    if (this.#carried < HEADER_BYTES) {
      at = Math.min(HEADER_BYTES - this.#carried, chunk.length);
      this.#carryOn(chunk, 0, at);
      if (this.#carried < HEADER_BYTES) return at;
    }
    const whole = this.#packetBytes(this.#carry, 0);
    const taken = Math.min(whole - this.#carried, chunk.length - at);
    this.#reserve(whole);
    this.#carryOn(chunk, at, taken);
    if (this.#carried === whole) {
      this.#carried = 0;
      this.#emit(this.#carry, 0, whole);
    }
    return at + taken;
  }

  #packetBytes(bytes: Buffer, at: number): number {
    const payloadBytes = bytes.readUInt32BE(at + LENGTH_OFFSET);
    if (payloadBytes > this.#maxPayloadBytes) {
      throw new FramingLostError(
        `payload length ${payloadBytes} exceeds MAX_PAYLOAD_BYTES (${this.#maxPayloadBytes})`,
      );
    }
    return HEADER_BYTES + payloadBytes;
  }

  #emit(bytes: Buffer, at: number, end: number): void {
    const view = this.#view;
    view.high = bytes.readUInt32BE(at + SEQUENCE_OFFSET);
    view.low = bytes.readUInt32BE(at + SEQUENCE_OFFSET + 4);
    // Most packets of a read lie in one buffer, and comparing costs less than writing a reference does.
    if (view.bytes !== bytes) view.bytes = bytes;
    view.start = at + HEADER_BYTES;
    view.end = end;
    if (!this.#sink.packet(channelKeyAt(bytes, at), view)) {
      this.#countBadHeader();
      return;
    }
    this.accepted += 1;
    if (this.#badHeaders > 0) this.#badHeaders = 0;
  }

  #countBadHeader(): void {
    this.#badHeaders += 1;
    if (this.#badHeaders >= BAD_HEADERS_MAX) {
      throw new FramingLostError(`${BAD_HEADERS_MAX} channel ids in a row are not printable ASCII`);
    }
  }

  #carryOn(chunk: Buffer, at: number, count: number): void {
    this.#reserve(this.#carried + count);
    chunk.copy(this.#carry, this.#carried, at, at + count);
    this.#carried += count;
  }

  #reserve(count: number): void {
    if (count <= this.#carry.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(count, 2 * this.#carry.length));
    this.#carry.copy(larger, 0, 0, this.#carried);
    this.#carry = larger;
  }
}
