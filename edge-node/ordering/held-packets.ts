import { HELD_PACKET_OVERHEAD_BYTES } from '../../shared/limits.ts';
import type { PacketView } from './packet-view.ts';

/** What a kept packet counts against every byte limit. */
export function costOf(packet: PacketView): number {
  return packet.payloadBytes + HELD_PACKET_OVERHEAD_BYTES;
}

/** Packets kept outside any window, in order of arrival. */
export class HeldPackets {
  packets: PacketView[] = [];
  bytes = 0;
  /** Low halves of the sequences held: a packet whose low half is not among them needs no search of the list. */
  #lows = new Set<number>();

  get count(): number {
    return this.packets.length;
  }

  /** Keeps a packet, which must not be held already. */
  add(packet: PacketView): void {
    this.packets.push(packet.kept());
    this.bytes += costOf(packet);
    this.#lows.add(packet.low);
  }

  has({ high, low }: PacketView): boolean {
    if (!this.#lows.has(low)) return false;
    return this.packets.some((packet) => packet.high === high && packet.low === low);
  }

  /** Empties the list and returns what it held. */
  take(): PacketView[] {
    const taken = this.packets;
    this.packets = [];
    this.bytes = 0;
    this.#lows = new Set();
    return taken;
  }
}
