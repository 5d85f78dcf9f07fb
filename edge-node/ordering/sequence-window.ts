import { costOf } from './held-packets.ts';
import type { PacketView } from './packet-view.ts';
import type { ReorderOutput } from './reorder-contract.ts';
import { distance, highAfter, lowAfter, type Sequence } from './sequence.ts';

/** Later than any time. */
const NEVER = Number.POSITIVE_INFINITY;

/**
 * The window of one epoch: the sequences from the expected one on, and the packets held for them.
 *
 * Invariants: slot `(head + offset) % size` belongs to the sequence `offset` after the expected one; the expected
 * one is never held between two calls; `count` slots are taken and cost `bytes`, at most `maxBytes`. What the window
 * moves past is either delivered, in order, or lost.
 */
export class SequenceWindow {
  readonly #size: number;
  readonly #maxBytes: number;
  readonly #output: ReorderOutput;
  // Made when first needed: most channels of a well-behaved source never hold anything.
  #slots: (PacketView | undefined)[] = [];
  #head = 0;
  #expectedHigh = 0;
  #expectedLow = 0;
  count = 0;
  bytes = 0;
  delivered = 0;
  lost = 0;
  /** No later than any arrival in the window; exact after `releaseArrivedBy`. */
  oldestArrivalMs = NEVER;

  constructor(size: number, maxBytes: number, output: ReorderOutput) {
    this.#size = size;
    this.#maxBytes = maxBytes;
    this.#output = output;
  }

  get expected(): Sequence {
    return { high: this.#expectedHigh, low: this.#expectedLow };
  }

  /** Begins at a sequence; the window must be empty. */
  begin({ high, low }: Sequence): void {
    this.#expectedHigh = high;
    this.#expectedLow = low;
  }

  /** How far a sequence lies from the expected one. */
  offsetOf(high: number, low: number): number {
    return distance(high, low, this.#expectedHigh, this.#expectedLow);
  }

  holds(offset: number): boolean {
    return this.count > 0 && this.#slots[(this.#head + offset) % this.#size] !== undefined;
  }

  /** The expected packet goes on at once, and with it what waited for it. */
  deliverExpected(packet: PacketView): void {
    this.#step(1);
    this.delivered += 1;
    this.#output.deliver(packet);
    if (this.count > 0) this.#drain();
  }

  /**
   * Holds a packet 0 < offset < 2·size ahead. The window slides where it must, and gives up gaps before the packet
   * where the bytes do not suffice; if that makes it the expected one, it goes on at once.
   */
  hold(packet: PacketView): void {
    const beyond = this.offsetOf(packet.high, packet.low) - this.#size + 1;
    if (beyond > 0) this.#advance(beyond);
    const cost = costOf(packet);
    let offset = this.offsetOf(packet.high, packet.low);
    while (offset > 0 && this.bytes + cost > this.#maxBytes) {
      this.#advance(this.count === 0 ? offset : Math.min(this.#lowestOffset() + 1, offset));
      offset = this.offsetOf(packet.high, packet.low);
    }
    if (offset === 0) {
      this.deliverExpected(packet);
      return;
    }
    if (this.count === 0 || packet.arrivedMs < this.oldestArrivalMs) {
      this.oldestArrivalMs = packet.arrivedMs;
    }
    if (this.#slots.length === 0) this.#slots = new Array(this.#size).fill(undefined);
    this.#slots[(this.#head + offset) % this.#size] = packet.kept();
    this.count += 1;
    this.bytes += cost;
  }

  /** Gives up the gap before the lowest held packet, if any is held. */
  giveUpGap(): void {
    if (this.count > 0) this.#advance(this.#lowestOffset() + 1);
  }

  /** Gives up the gaps before every packet that arrived at `thenMs` or earlier. */
  releaseArrivedBy(thenMs: number): void {
    if (this.count === 0 || this.oldestArrivalMs > thenMs) return;
    this.#advance(this.#highestArrivedBy(thenMs) + 1);
    this.oldestArrivalMs = NEVER;
    for (const packet of this.count > 0 ? this.#slots : []) {
      this.oldestArrivalMs = Math.min(this.oldestArrivalMs, packet?.arrivedMs ?? NEVER);
    }
  }

  /** Hands on everything held, giving up every gap. */
  handOnAll(): void {
    while (this.count > 0) this.giveUpGap();
  }

  #lowestOffset(): number {
    let offset = 0;
    while (!this.holds(offset)) offset += 1;
    return offset;
  }

  #highestArrivedBy(thenMs: number): number {
    for (let offset = this.#size - 1; offset >= 0; offset -= 1) {
      const packet = this.#slots[(this.#head + offset) % this.#size];
      if (packet !== undefined && packet.arrivedMs <= thenMs) return offset;
    }
    return -1;
  }

  /** Moves on by `steps` sequences, and by all that are held from there. */
  #advance(steps: number): void {
    let left = steps;
    while (left > 0 && this.count > 0) {
      left -= 1;
      if (!this.#deliverHeld()) {
        this.lost += 1;
        this.#step(1);
      }
    }
    this.lost += left;
    this.#step(left);
    this.#drain();
  }

  #drain(): void {
    while (this.count > 0 && this.#deliverHeld());
  }

  /** Delivers the expected packet if it is held. */
  #deliverHeld(): boolean {
    const packet = this.#slots[this.#head];
    if (packet === undefined) return false;
    this.#slots[this.#head] = undefined;
    this.count -= 1;
    this.bytes -= costOf(packet);
    this.#step(1);
    this.delivered += 1;
    this.#output.deliver(packet);
    return true;
  }

  #step(count: number): void {
    this.#head = (this.#head + count) % this.#size;
    this.#expectedHigh = highAfter(this.#expectedHigh, this.#expectedLow, count);
    this.#expectedLow = lowAfter(this.#expectedLow, count);
  }
}
