import type { PacketView } from './packet-view.ts';

/** Kept packets in order of arrival, so that the oldest is known and any can leave: a doubly linked list. */
export class Arrivals {
  #oldest: PacketView | undefined;
  #newest: PacketView | undefined;

  get oldest(): PacketView | undefined {
    return this.#oldest;
  }

  add(packet: PacketView): void {
    packet.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = packet;
    else this.#newest.newer = packet;
    this.#newest = packet;
  }

  remove(packet: PacketView): void {
    if (packet.older === undefined) this.#oldest = packet.newer;
    else packet.older.newer = packet.newer;
    if (packet.newer === undefined) this.#newest = packet.older;
    else packet.newer.older = packet.older;
    packet.older = undefined;
    packet.newer = undefined;
  }
}
