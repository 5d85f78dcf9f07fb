/** The circle of 2^64 sequences, for the tests' model: what lies where on it. */

export interface Kept {
  readonly sequence: bigint;
  readonly arrivedMs: number;
  /** Number of its push. */
  readonly nth: number;
}

/** How far `to` lies ahead of `from` on the circle of 2^64; negative behind. */
export function ahead(from: bigint, to: bigint): bigint {
  return BigInt.asIntN(64, to - from);
}

export function plus(sequence: bigint, count: bigint): bigint {
  return BigInt.asUintN(64, sequence + count);
}

/** In the order of the circle, cut opposite to the newest. */
export function ascending(kept: readonly Kept[]): Kept[] {
  const newest = kept.at(-1)?.sequence ?? 0n;
  return kept.toSorted((a, b) => (ahead(newest, a.sequence) < ahead(newest, b.sequence) ? -1 : 1));
}

export function isWithin(window: bigint, a: bigint, b: bigint): boolean {
  const distance = ahead(a, b);
  return -window < distance && distance < window;
}

export function holds(kept: readonly Kept[], sequence: bigint): boolean {
  return kept.some((packet) => packet.sequence === sequence);
}

/**
 * A gap before the packet is longer than all that is held behind that gap, and the newest packet came before it: the
 * source is there. A gap is a row of missing sequences between two held ones, or the expected one and the first.
 */
export function isEarlyStray(
  packet: Kept,
  held: readonly Kept[],
  newest: Kept | undefined,
  expected: bigint,
): boolean {
  const sourceOffset = newest === undefined ? -1n : ahead(expected, newest.sequence);
  const offsets = held.map(({ sequence }) => ahead(expected, sequence));
  return offsets.some((offset, at) => {
    if (offset > ahead(expected, packet.sequence)) return false;
    const before = offsets[at - 1] ?? -1n;
    const from = sourceOffset > before ? sourceOffset : before;
    return offset - 1n - from > BigInt(offsets.length - at);
  });
}
