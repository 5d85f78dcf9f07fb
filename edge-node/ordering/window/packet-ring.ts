import type { PacketView } from '../packet-view.ts';

/** A ring that is empty keeps so many slots; a larger one is given back. */
const IDLE_SLOTS = 64;

/**
 * Packets by their offset from a place that moves on: a ring of slots, a power of two, that grows with the furthest
 * offset that is taken.
 *
 *     slots   │   │ 3 │ 4 │   │ 0 │   │ 2 │ . │      offset 0 lies at `head`
 *                           head ▲
 */
export class PacketRing {
  #slots: (PacketView | undefined)[] = [];
  #head = 0;
  count = 0;

  get(offset: number): PacketView | undefined {
    if (offset >= this.#slots.length) return undefined;
    return this.#slots[(this.#head + offset) & (this.#slots.length - 1)];
  }

  /** The slot must be free. */
  put(offset: number, packet: PacketView): void {
    if (offset >= this.#slots.length) this.#grow(offset + 1);
    this.#slots[(this.#head + offset) & (this.#slots.length - 1)] = packet;
    this.count += 1;
  }

  /** The slot must be taken. */
  remove(offset: number): void {
    this.#slots[(this.#head + offset) & (this.#slots.length - 1)] = undefined;
    this.count -= 1;
    if (this.count === 0 && this.#slots.length > IDLE_SLOTS) this.#slots = [];
  }

  /** Moves on; what is passed must be free. */
  advance(steps: number): void {
    this.#head = this.#slots.length === 0 ? 0 : (this.#head + steps) % this.#slots.length;
  }

  #grow(slots: number): void {
    const old = this.#slots;
    let length = Math.max(IDLE_SLOTS, old.length);
    while (length < slots) length *= 2;
    this.#slots = new Array(length).fill(undefined);
    for (let offset = 0; offset < old.length; offset += 1) {
      this.#slots[offset] = old[(this.#head + offset) & (old.length - 1)];
    }
    this.#head = 0;
  }
}
