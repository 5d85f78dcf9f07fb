/**
 * The program clock reference (ISO/IEC 13818-1, 2.4.3.4 and 2.4.3.5), six bytes: program_clock_reference_base
 * (33 bits, 90 kHz), six reserved bits, program_clock_reference_extension (9 bits, 27 MHz). As one number it counts
 * 27 MHz modulo 2^33 × 300: it comes round every 26.5 hours, and is exact in a double.
 */
export const PCR_HZ = 27_000_000;
/** Of the clock of PTS and DTS, 90 kHz. */
export const PCR_PER_TICK = 300;
export const TICKS_MODULO = 2 ** 33;
export const PCR_MODULO = TICKS_MODULO * PCR_PER_TICK;

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
