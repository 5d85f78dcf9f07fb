import { JUMP_PACKETS, STRAY_MAX_PACKETS } from '../../shared/limits.ts';
import { costOf, HeldList, type HeldPacket } from './held-packets.ts';
import { distance } from './sequence.ts';

/**
 * Packets too far from the expected one to belong to its window. One alone is a stray; JUMP_PACKETS different ones
 * within a window of each other prove that the source has jumped. The newest STRAY_MAX_PACKETS are kept, so that
 * strays between them, even of several places at once, do not hide the proof.
 */
export class StrayPackets extends HeldList {
  get full(): boolean {
    return this.count === STRAY_MAX_PACKETS;
  }

  dropOldest(): void {
    const oldest = this.packets.shift();
    if (oldest !== undefined) this.bytes -= costOf(oldest.payload.length);
  }

  /** The packets that prove a jump together with the newest one, in order of arrival; undefined where none do. */
  proofOfJump(windowPackets: number): HeldPacket[] | undefined {
    const newest = this.packets.at(-1);
    if (newest === undefined) return undefined;
    const near = this.nearNewest(windowPackets)
      .map((packet) => ({ packet, offset: offsetFrom(newest, packet) }))
      .sort((a, b) => a.offset - b.offset);
    for (let first = 0; first + JUMP_PACKETS <= near.length; first += 1) {
      const group = near.slice(first, first + JUMP_PACKETS);
      const [lowest, highest] = [group.at(0), group.at(-1)];
      const holds = lowest && highest && highest.offset - lowest.offset < windowPackets;
      if (holds && lowest.offset <= 0 && highest.offset >= 0) {
        const chosen = new Set(group.map(({ packet }) => packet));
        return this.packets.filter((packet) => chosen.has(packet));
      }
    }
    return undefined;
  }

  /** The packets within a window of the newest one, itself too, in order of arrival. */
  nearNewest(windowPackets: number): HeldPacket[] {
    const newest = this.packets.at(-1);
    if (newest === undefined) return [];
    return this.packets.filter((packet) => Math.abs(offsetFrom(newest, packet)) < windowPackets);
  }
}

function offsetFrom(from: HeldPacket, packet: HeldPacket): number {
  return distance(packet.high, packet.low, from.high, from.low);
}
