import { HeldPackets } from './held-packets.ts';
import type { PacketView } from './packet-view.ts';
import type { ReorderLimits } from './reorder-contract.ts';
import type { Settling } from './settling.ts';

/** Later than any time. */
export const NEVER = Number.POSITIVE_INFINITY;

/** The usual state: the window moves on, and late packets are dropped unless `keepsLate`. */
export interface Ordered {
  readonly kind: 'ordered';
  /** When the first late packet came after the newest packet of the window; NEVER where none has. */
  lateSinceMs: number;
  /**
   * Whether the next late packet is kept, and a restart of the source suspected: after a new connection, and once
   * nothing but late packets has come for REORDER_DEADLINE_MS.
   */
  keepsLate: boolean;
}

/**
 * Late packets are kept, since they may be the first ones of a source that has started again. A packet of the window
 * shows that they were repeats; REORDER_SETTLE_MS without one, that the source has restarted.
 */
export interface Proving {
  readonly kind: 'proving';
  readonly late: HeldPackets;
  readonly sinceMs: number;
}

/** Where a channel stands in its epoch. reorder-buffer.ts draws how one phase follows another. */
export type Phase = Settling | Ordered | Proving;

export function newOrdered(): Ordered {
  return { kind: 'ordered', lateSinceMs: NEVER, keepsLate: false };
}

export function newProving(first: PacketView, nowMs: number): Proving {
  const late = new HeldPackets();
  late.add(first);
  return { kind: 'proving', late, sinceMs: nowMs };
}

/** What a phase keeps outside of the window. */
export function besideWindow(phase: Phase): HeldPackets | undefined {
  if (phase.kind === 'settling') return phase;
  return phase.kind === 'proving' ? phase.late : undefined;
}

/** When a phase ends by time alone. */
export function phaseDueMs(
  phase: Phase,
  { deadlineMs, settleMs, maxPackets }: ReorderLimits,
): number {
  if (phase.kind === 'ordered') return NEVER;
  if (phase.kind === 'proving') return phase.sinceMs + settleMs;
  if (phase.count === 0) return NEVER;
  const settledMs = phase.sinceMs + (phase.lacksZero(maxPackets) ? deadlineMs : settleMs);
  return Math.min(settledMs, phase.firstArrivedMs + deadlineMs);
}
