import type { Sequence } from '../ordering/sequence.ts';

/** What a relay knows of the order of a backlog, and tells before it: two sequences, 64 bits each. */
export interface BacklogBeginning {
  /** Of the packets from this sequence on none is left out: each is in the backlog, comes live, or is lost. */
  readonly first: Sequence;
  /** Those before this one are in the backlog, or lost. */
  readonly ordered: Sequence;
}

const BYTES = 16;

export function encodeBeginning({ first, ordered }: BacklogBeginning): Buffer {
  const bytes = Buffer.alloc(BYTES);
  bytes.writeUInt32BE(first.high, 0);
  bytes.writeUInt32BE(first.low, 4);
  bytes.writeUInt32BE(ordered.high, 8);
  bytes.writeUInt32BE(ordered.low, 12);
  return bytes;
}

/** @returns undefined where that is no such message; what follows it is of a later version */
export function decodeBeginning(data: Uint8Array): BacklogBeginning | undefined {
  if (data.length < BYTES) return undefined;
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
  return {
    first: { high: bytes.readUInt32BE(0), low: bytes.readUInt32BE(4) },
    ordered: { high: bytes.readUInt32BE(8), low: bytes.readUInt32BE(12) },
  };
}
