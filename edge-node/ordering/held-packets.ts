import { PACKET_OVERHEAD_BYTES } from '../../shared/limits.ts';
import { distance } from './sequence.ts';

/** A packet that waits. Owns its payload: a copy made when it was held. */
export interface HeldPacket {
  readonly high: number;
  readonly low: number;
  readonly payload: Buffer;
  readonly arrivedMs: number;
}

/** What a packet counts against every byte limit. */
export function costOf(payloadBytes: number): number {
  return payloadBytes + PACKET_OVERHEAD_BYTES;
}

/** Copies `bytes[start, end)`, which its owner may overwrite. */
export function holdPacket(
  high: number,
  low: number,
  bytes: Buffer,
  start: number,
  end: number,
  arrivedMs: number,
): HeldPacket {
  const payload = Buffer.allocUnsafe(end - start);
  bytes.copy(payload, 0, start, end);
  return { high, low, payload, arrivedMs };
}

/** Packets kept outside any window, in order of arrival. */
export class HeldList {
  packets: HeldPacket[] = [];
  bytes = 0;

  get count(): number {
    return this.packets.length;
  }

  add(packet: HeldPacket): void {
    this.packets.push(packet);
    this.bytes += costOf(packet.payload.length);
  }

  has(high: number, low: number): boolean {
    return this.packets.some((packet) => packet.high === high && packet.low === low);
  }

  /** Empties the list and returns what it held. */
  take(): HeldPacket[] {
    const taken = this.packets;
    this.packets = [];
    this.bytes = 0;
    return taken;
  }
}

/** Packets that are, or may become, the first of an epoch. Knows the serially lowest one. */
export class GatheredPackets extends HeldList {
  lowestHigh = 0;
  lowestLow = 0;
  firstArrivedMs = Number.POSITIVE_INFINITY;
  /** Low halves of what is held: few packets need the whole list to be searched for them. */
  readonly #lows = new Set<number>();

  override add(packet: HeldPacket): void {
    this.firstArrivedMs = Math.min(this.firstArrivedMs, packet.arrivedMs);
    if (this.count === 0 || this.offsetOf(packet.high, packet.low) < 0) {
      this.lowestHigh = packet.high;
      this.lowestLow = packet.low;
    }
    this.#lows.add(packet.low);
    super.add(packet);
  }

  override has(high: number, low: number): boolean {
    return this.#lows.has(low) && super.has(high, low);
  }

  /** How far a sequence lies from the lowest one. */
  offsetOf(high: number, low: number): number {
    return distance(high, low, this.lowestHigh, this.lowestLow);
  }

  override take(): HeldPacket[] {
    this.firstArrivedMs = Number.POSITIVE_INFINITY;
    this.#lows.clear();
    return super.take();
  }

  /**
   * Empties the list and returns what lies within `reach` of the newest packet, in ascending serial order. What lies
   * elsewhere was left behind by another sender, or by another life of this one.
   */
  takeNearNewest(reach: number): HeldPacket[] {
    const packets = this.take();
    const newest = packets.at(-1);
    if (newest === undefined) return packets;
    const offset = ({ high, low }: HeldPacket) => distance(high, low, newest.high, newest.low);
    return packets
      .filter((packet) => Math.abs(offset(packet)) < reach)
      .sort((a, b) => offset(a) - offset(b));
  }
}
