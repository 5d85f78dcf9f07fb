import type { HeldPackets } from './held-packets.ts';
import type { Settling } from './settling.ts';

/** Later than any time. */
const NEVER = Number.POSITIVE_INFINITY;

/** The window runs. Late packets are dropped, until they may tell of a restart. */
export interface Ordered {
  readonly kind: 'ordered';
  /** Arrival of the first late packet since the window's last one; NEVER where none has come. */
  lateSinceMs: number;
  /** Whether the next late packet is kept aside: on a new connection, or once only late ones have come for long. */
  keepsLate: boolean;
}

/** The window runs, and late packets are kept aside: they are repeats, or the source has started again. */
export interface Proving {
  readonly kind: 'proving';
  readonly late: HeldPackets;
  readonly sinceMs: number;
}

/** Where a channel stands in its epoch. reorder-buffer.ts draws how one follows another. */
export type Phase = Settling | Ordered | Proving;

export function newOrdered(): Ordered {
  return { kind: 'ordered', lateSinceMs: NEVER, keepsLate: false };
}
