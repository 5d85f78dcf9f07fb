import type { PacketView } from './packet-view.ts';

export interface ReorderLimits {
  /** W: the sequences a window spans. */
  readonly maxPackets: number;
  /** Bound of everything kept, each packet with HELD_PACKET_OVERHEAD_BYTES on top; at least the two largest packets. */
  readonly maxBytes: number;
  readonly deadlineMs: number;
  readonly settleMs: number;
}

/** Takes packets in order. */
export interface ReorderOutput {
  deliver(packet: PacketView): void;
}

/** Every received packet is handed on in order, or counted as late or stray, or still kept. */
export interface ReorderCounters {
  readonly received: number;
  /** Packets handed on in order. */
  readonly ordered: number;
  /** Sequences missing between the first and the last packet handed on of each epoch. */
  readonly lost: number;
  /** Late and repeated packets. */
  readonly late: number;
  /** Strays: too far from the expected sequence, and no proof of a jump. */
  readonly stray: number;
  readonly jumps: number;
  readonly restarts: number;
}

/** In the window or one window beyond it, one window before it at the most, or neither. */
export type Place = 'window' | 'behind' | 'far';
