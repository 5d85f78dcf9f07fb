import { PCR_HZ, PCR_MODULO } from '../../mpeg-ts/pcr.ts';

/** The ring of slots that a stream's clock goes round. A tick is one of 27 MHz. */
export class SlotClock {
  readonly slotMs: number;
  readonly #slotTicks: number;
  /** N: how many slots until the clock wraps. The last one is cut short by the wrap. */
  readonly slots: number;

  constructor(slotMs: number) {
    this.slotMs = slotMs;
    this.#slotTicks = (slotMs * PCR_HZ) / 1000;
    this.slots = Math.ceil(PCR_MODULO / this.#slotTicks);
  }

  slotOf(ticks: number): number {
    return Math.floor(ticks / this.#slotTicks);
  }

  slotsIn(ms: number): number {
    return Math.floor(ms / this.slotMs);
  }

  after(slot: number, count: number): number {
    return (slot + count) % this.slots;
  }

  /** From one slot to another the shorter way round: negative is back. */
  distance(to: number, from: number): number {
    const ahead = to - from;
    if (ahead > this.slots / 2) return ahead - this.slots;
    return ahead < -this.slots / 2 ? ahead + this.slots : ahead;
  }
}
