import { type ChannelId, parseChannelId } from '../../shared/ids.ts';

/**
 * The header of a packet from the channel source, big-endian, followed by the payload:
 *
 *     byte   0-4   preamble, opaque
 *            5-10  channel id: 6 ASCII bytes, padded at the end with NUL or spaces
 *           11-18  sequence, u64: counts from 0 per channel, modulo 2^64
 *           19-22  payload length in bytes, u32; may be 0
 */
export const HEADER_BYTES = 23;
export const CHANNEL_OFFSET = 5;
export const CHANNEL_BYTES = 6;
export const SEQUENCE_OFFSET = 11;
export const LENGTH_OFFSET = 19;

/**
 * The six channel bytes as one number below 2^48, exact in a double: a channel is looked up by it for each packet, so no
 * string is made. Ids that differ in padding alone have different keys.
 */
export function channelKeyAt(header: Buffer, at: number): number {
  return header.readUIntBE(at + CHANNEL_OFFSET, CHANNEL_BYTES);
}

/** The channel id behind a key, or undefined where it is empty or not printable ASCII. */
export function channelIdOfKey(key: number): ChannelId | undefined {
  const bytes = Buffer.alloc(CHANNEL_BYTES);
  bytes.writeUIntBE(key, 0, CHANNEL_BYTES);
  return parseChannelId(bytes.toString('latin1').replace(/[\0 ]+$/, ''));
}

/** Writes a header: for sources and tests. `sequence` is taken modulo 2^64. */
export function writeHeader(
  target: Buffer,
  at: number,
  channelId: string,
  sequence: bigint,
  payloadBytes: number,
) {
  target.fill(0, at, at + SEQUENCE_OFFSET);
  target.write(channelId, at + CHANNEL_OFFSET, CHANNEL_BYTES, 'latin1');
  target.writeBigUInt64BE(BigInt.asUintN(64, sequence), at + SEQUENCE_OFFSET);
  target.writeUInt32BE(payloadBytes, at + LENGTH_OFFSET);
}

/** A whole packet in one Buffer. */
export function encodePacket(channelId: string, sequence: bigint, payload: Uint8Array): Buffer {
  const packet = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  writeHeader(packet, 0, channelId, sequence, payload.length);
  packet.set(payload, HEADER_BYTES);
  return packet;
}
