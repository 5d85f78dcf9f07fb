/**
 * Sequences are unsigned 64-bit numbers, held as two unsigned 32-bit halves: a double is exact to 2^53 only, and a
 * bigint per packet would be garbage per packet.
 */

export interface Sequence {
  readonly high: number;
  readonly low: number;
}

const LOW = 2 ** 32;

/**
 * Signed distance from one sequence to another, modulo 2^64 (serial number arithmetic as in RFC 1982). Exact up to
 * 2^53; beyond, of the right sign and far from zero.
 */
export function distance(high: number, low: number, fromHigh: number, fromLow: number): number {
  return ((high - fromHigh) | 0) * LOW + (low - fromLow);
}

/** The high half of a sequence `step` (under 2^32) further on. */
export function highAfter(high: number, low: number, step: number): number {
  return low + step >= LOW ? (high + 1) >>> 0 : high;
}

/** The low half of a sequence `step` (under 2^32) further on. */
export function lowAfter(low: number, step: number): number {
  return (low + step) % LOW;
}

/** Whether a sequence lies at most `before` before another one, or less than `after` after it. */
export function isWithin(sequence: Sequence, of: Sequence, before: number, after: number): boolean {
  const offset = distance(sequence.high, sequence.low, of.high, of.low);
  return offset >= -before && offset < after;
}
