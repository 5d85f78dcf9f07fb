import { TICKS_MODULO } from './pcr.ts';

/**
 * Times in the header of a PES packet (ISO/IEC 13818-1, 2.4.3.6 and 2.4.3.7): packet_start_code_prefix (3 bytes),
 * stream_id, length (2 bytes), a byte of flags, PTS_DTS_flags (2 bits) and six more, header length; then PTS and DTS,
 * five bytes each: a mark of four bits, then 3, 15 and 15 bits of 90 kHz modulo 2^33, each followed by a 1.
 */

/** Offsets of PTS and DTS in the PES header at `at`: none, the first, or both. */
export function timestampOffsets(bytes: Buffer, at: number, end: number): number[] {
  if (at + 9 > end || bytes.readUIntBE(at, 3) !== 1) return [];
  const flags = bytes.readUInt8(at + 7) >> 6;
  const count = flags === 3 ? 2 : flags >> 1;
  return [at + 9, at + 14].slice(0, count).filter((offset) => offset + 5 <= end);
}

export function readTimestamp(bytes: Buffer, offset: number): number {
  const top = (bytes.readUInt8(offset) >> 1) & 0x07;
  const middle = bytes.readUInt16BE(offset + 1) >> 1;
  return top * 2 ** 30 + middle * 2 ** 15 + (bytes.readUInt16BE(offset + 3) >> 1);
}

/** Writes all but the mark, which stays as it is. */
export function writeTimestamp(bytes: Buffer, offset: number, ticks: number): void {
  const value = ticks % TICKS_MODULO;
  const mark = bytes.readUInt8(offset) & 0xf0;
  bytes.writeUInt8(mark | (Math.floor(value / 2 ** 30) << 1) | 1, offset);
  bytes.writeUInt16BE(((Math.floor(value / 2 ** 15) & 0x7fff) << 1) | 1, offset + 1);
  bytes.writeUInt16BE(((value & 0x7fff) << 1) | 1, offset + 3);
}
