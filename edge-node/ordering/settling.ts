import { HeldPackets } from './held-packets.ts';
import type { PacketView } from './packet-view.ts';
import { distance } from './sequence.ts';

/** The beginning of an epoch: its first packets are gathered for a while, so that the lowest of them can start it. */
export class Settling extends HeldPackets {
  readonly kind = 'settling';
  /** When the gathering began. */
  sinceMs = 0;
  /**
   * Arrival of the earliest packet. It may lie before `sinceMs`, for packets that were kept in the epoch before: they,
   * too, wait no longer than REORDER_DEADLINE_MS in all.
   */
  firstArrivedMs = 0;
  lowestHigh = 0;
  lowestLow = 0;

  /** Begins with the packets that ended the last epoch. */
  static with(packets: readonly PacketView[], sinceMs: number): Settling {
    const settling = new Settling();
    for (const packet of packets) settling.gather(packet, sinceMs);
    return settling;
  }

  gather(packet: PacketView, nowMs: number): void {
    if (this.count === 0) this.sinceMs = nowMs;
    if (this.count === 0 || packet.arrivedMs < this.firstArrivedMs) {
      this.firstArrivedMs = packet.arrivedMs;
    }
    if (this.count === 0 || this.offsetOf(packet) < 0) {
      this.lowestHigh = packet.high;
      this.lowestLow = packet.low;
    }
    this.add(packet);
  }

  /** How far a packet lies from the lowest one. */
  offsetOf({ high, low }: PacketView): number {
    return distance(high, low, this.lowestHigh, this.lowestLow);
  }

  /** Whether it may belong to the same epoch as what is gathered. */
  isNear(packet: PacketView, reach: number): boolean {
    return this.count === 0 || Math.abs(this.offsetOf(packet)) < reach;
  }

  get startsAtZero(): boolean {
    return this.count > 0 && this.lowestHigh === 0 && this.lowestLow === 0;
  }

  /** Sources count from 0: where the lowest packet is a little above, packet 0 may be still to come. */
  lacksZero(windowPackets: number): boolean {
    return this.lowestHigh === 0 && this.lowestLow > 0 && this.lowestLow < windowPackets;
  }

  /**
   * Empties the list and returns what lies within `reach` of the newest packet, in order of arrival. What lies further
   * off was sent by another source, or by this one before it was restarted.
   */
  takeNearNewest(reach: number): PacketView[] {
    const packets = this.take();
    return packets.filter((packet) => Math.abs(offsetFromNewest(packets, packet)) < reach);
  }
}

/**
 * Sorted by sequence. Sequences form a circle (2^64 is 0 again), so the order needs a point to begin at: it is the one
 * opposite to the newest packet, the last of the list.
 */
export function ascending(packets: readonly PacketView[]): PacketView[] {
  return packets.toSorted((a, b) => offsetFromNewest(packets, a) - offsetFromNewest(packets, b));
}

function offsetFromNewest(packets: readonly PacketView[], { high, low }: PacketView): number {
  const newest = packets.at(-1);
  return newest === undefined ? 0 : distance(high, low, newest.high, newest.low);
}
