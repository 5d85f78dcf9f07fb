import { JUMP_PACKETS, STRAY_MAX_PACKETS } from '../../shared/limits.ts';
import { costOf, HeldPackets } from './held-packets.ts';
import type { PacketView } from './packet-view.ts';
import { distance } from './sequence.ts';

/**
 * Packets too far from the expected one to belong to its window. One alone is a stray; JUMP_PACKETS different ones
 * within a window of each other prove that the source has jumped. The newest STRAY_MAX_PACKETS are kept, so that
 * strays between them, even of several places at once, do not hide the proof.
 */
export class StrayPackets extends HeldPackets {
  /** Packets that proved nothing. */
  dropped = 0;

  /** Takes a stray, in the place of older ones: all may cost so much at the most. @returns whether it is kept anew */
  offer(packet: PacketView, maxBytes: number): boolean {
    const isKnown = this.has(packet);
    if (!isKnown) this.#dropUntil(maxBytes - costOf(packet));
    if (isKnown || this.bytes + costOf(packet) > maxBytes) {
      this.dropped += 1;
      return false;
    }
    this.add(packet);
    return true;
  }

  drop(): void {
    if (this.count > 0) this.dropped += this.take().length;
  }

  /** Drops the oldest until there is a place for one more and the rest costs so much at the most. */
  #dropUntil(maxBytes: number): void {
    while (this.count > 0 && (this.count === STRAY_MAX_PACKETS || this.bytes > maxBytes)) {
      const [, ...newer] = this.take();
      for (const packet of newer) this.add(packet);
      this.dropped += 1;
    }
  }

  /**
   * The packets that prove a jump together with the newest one, in order of arrival; undefined where none do. Where
   * payloads are so large that `maxBytes` holds fewer than JUMP_PACKETS, as many as it holds are the proof.
   */
  proofOfJump(windowPackets: number, maxBytes: number): PacketView[] | undefined {
    const newest = this.packets.at(-1);
    if (newest === undefined) return undefined;
    const held = Math.floor(maxBytes / Math.max(...this.packets.map(costOf)));
    const needed = Math.max(2, Math.min(JUMP_PACKETS, held));
    const near = this.packets
      .map((packet) => ({ packet, offset: offsetFrom(newest, packet) }))
      .filter(({ offset }) => Math.abs(offset) < windowPackets)
      .sort((a, b) => a.offset - b.offset);
    for (let first = 0; first + needed <= near.length; first += 1) {
      const group = near.slice(first, first + needed);
      const [lowest, highest] = [group.at(0), group.at(-1)];
      const holds = lowest && highest && highest.offset - lowest.offset < windowPackets;
      if (holds && lowest.offset <= 0 && highest.offset >= 0) {
        const chosen = new Set(group.map(({ packet }) => packet));
        return this.packets.filter((packet) => chosen.has(packet));
      }
    }
    return undefined;
  }
}

function offsetFrom(from: PacketView, packet: PacketView): number {
  return distance(packet.high, packet.low, from.high, from.low);
}
