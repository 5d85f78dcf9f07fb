/**
 * The clocks inside of a transport stream. PCR counts 27 MHz (modulo 2^33 × 300), PTS and DTS count 90 kHz
 * (modulo 2^33). All are exact in a double.
 */
export const PCR_HZ = 27_000_000;
export const PCR_PER_TICK = 300;
const TICKS_MODULO = 2 ** 33;
export const PCR_MODULO = TICKS_MODULO * PCR_PER_TICK;

const PCR_FLAG = 0x10;
const ADAPTATION_FLAG = 0x20;
/** Adaptation field: length, flags, then six bytes of PCR. */
const PCR_MIN_LENGTH = 7;

/** Where the PCR of the packet at `at` stands, if it carries one. */
export function pcrOffset(bytes: Buffer, at: number): number | undefined {
  if ((bytes.readUInt8(at + 3) & ADAPTATION_FLAG) === 0) return undefined;
  if (bytes.readUInt8(at + 4) < PCR_MIN_LENGTH) return undefined;
  return (bytes.readUInt8(at + 5) & PCR_FLAG) === 0 ? undefined : at + 6;
}

export function readPcr(bytes: Buffer, offset: number): number {
  const base = bytes.readUInt32BE(offset) * 2 + (bytes.readUInt8(offset + 4) >> 7);
  return base * PCR_PER_TICK + (bytes.readUInt16BE(offset + 4) & 0x1ff);
}

export function writePcr(bytes: Buffer, offset: number, pcr: number): void {
  const value = pcr % PCR_MODULO;
  const base = Math.floor(value / PCR_PER_TICK);
  bytes.writeUInt32BE(Math.floor(base / 2), offset);
  bytes.writeUInt16BE(((base % 2) << 15) | 0x7e00 | (value % PCR_PER_TICK), offset + 4);
}

/** Offsets of PTS and DTS in the PES header at `at`: none, the first, or both. */
export function timestampOffsets(bytes: Buffer, at: number, end: number): number[] {
  if (at + 9 > end || bytes.readUIntBE(at, 3) !== 1) return [];
  const flags = bytes.readUInt8(at + 7) >> 6;
  const count = flags === 3 ? 2 : flags >> 1;
  return [at + 9, at + 14].slice(0, count).filter((offset) => offset + 5 <= end);
}

/** Five bytes: a mark of four bits, then 3, 15 and 15 bits, each followed by a 1. */
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
