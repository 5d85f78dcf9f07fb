import { readFileSync } from 'node:fs';
import { PCR_HZ, PCR_PER_TICK, readPcr, writePcr } from '../../../edge-node/mpeg-ts/pcr.ts';
import {
  readTimestamp,
  timestampOffsets,
  writeTimestamp,
} from '../../../edge-node/mpeg-ts/pes-timestamps.ts';
import {
  continuityOf,
  hasPayload,
  isTransportStream,
  payloadStart,
  pcrOffset,
  pidOf,
  startsUnit,
  TS_PACKET_BYTES,
} from '../../../edge-node/mpeg-ts/ts-packet.ts';

/** Seven TS packets: the usual payload of one network packet. */
export const PAYLOAD_BYTES = 7 * TS_PACKET_BYTES;
/** In a clip these stand before each key picture, at the beginning of its payload. */
export const TABLES_BYTES = 2 * TS_PACKET_BYTES;
export const PACKET_MS = 20;
/** At which one payload lasts PACKET_MS. */
export const BITS_PER_SECOND = (PAYLOAD_BYTES * 8 * 1000) / PACKET_MS;
const PCR_PER_PAYLOAD = (PCR_HZ * PACKET_MS) / 1000;

export const CLIP_NAMES = ['zato01', 'zato02'] as const;

export function clipFile(name: string): string {
  return `${import.meta.dirname}/clips/${name}.mpegts`;
}

/** A recorded piece of a channel, played again and again as one stream without a break. */
export class Clip {
  readonly #bytes: Buffer;
  readonly #payloads: number;
  /** Packets with a payload in the clip, by PID: how far its continuity counter moves in one play. */
  readonly #counts = new Map<number, number>();

  constructor(bytes: Buffer) {
    if (!isTransportStream(bytes, 0, bytes.length) || bytes.length % PAYLOAD_BYTES !== 0) {
      throw new RangeError(`a clip is whole payloads of ${PAYLOAD_BYTES} bytes of MPEG-TS`);
    }
    this.#bytes = bytes;
    this.#payloads = bytes.length / PAYLOAD_BYTES;
    for (let at = 0; at < bytes.length; at += TS_PACKET_BYTES) {
      const header = bytes.readUInt32BE(at);
      if (!hasPayload(header)) continue;
      const pid = pidOf(header);
      this.#counts.set(pid, (this.#counts.get(pid) ?? 0) + 1);
    }
  }

  static load(name: string): Clip {
    return new Clip(readFileSync(clipFile(name)));
  }

  /** Payload `index`, 0 or more, of the endless play: clocks and counters go on where the last play ended. */
  payload(index: number): Buffer {
    const plays = Math.floor(index / this.#payloads);
    const from = (index % this.#payloads) * PAYLOAD_BYTES;
    const payload = Buffer.from(this.#bytes.subarray(from, from + PAYLOAD_BYTES));
    for (let at = 0; at < PAYLOAD_BYTES; at += TS_PACKET_BYTES) this.#restamp(payload, at, plays);
    return payload;
  }

  #restamp(payload: Buffer, at: number, plays: number): void {
    const header = payload.readUInt32BE(at);
    const pcrShift = plays * this.#payloads * PCR_PER_PAYLOAD;
    const counted = plays * (this.#counts.get(pidOf(header)) ?? 0);
    const continuity = (continuityOf(header) + counted) % 16;
    payload.writeUInt8((header & 0xf0) | continuity, at + 3);

    const pcrAt = pcrOffset(payload, at, header);
    if (pcrAt !== undefined) writePcr(payload, pcrAt, readPcr(payload, pcrAt) + pcrShift);

    if (!startsUnit(header)) return;
    const unit = payloadStart(payload, at, header);
    for (const offset of timestampOffsets(payload, unit, at + TS_PACKET_BYTES)) {
      writeTimestamp(payload, offset, readTimestamp(payload, offset) + pcrShift / PCR_PER_TICK);
    }
  }
}
