import { AgeList } from '../age-list.ts';
import { costOf } from '../held-packets.ts';
import type { PacketView } from '../packet-view.ts';
import { NEVER } from '../phases.ts';
import type { Place, ReorderOutput } from '../reorder-contract.ts';
import { distance, highAfter, lowAfter, type Sequence } from '../sequence.ts';
import { PacketRing } from './packet-ring.ts';

/**
 * The window of one epoch: the sequences from the expected one on, and the packets held for them.
 *
 * Invariants: the ring's offset 0 is the expected sequence, which is never held between two calls; what is held is in
 * the ring and among the arrivals, and costs `bytes`, at most `maxBytes`. What the window moves past is delivered, in
 * order, or lost; what it drops is an early stray.
 */
export class SequenceWindow {
  readonly #size: number;
  readonly #maxBytes: number;
  readonly #output: ReorderOutput;
  readonly #ring = new PacketRing();
  readonly #arrivals = new AgeList<PacketView>();
  #expectedHigh = 0;
  #expectedLow = 0;
  /** By source: the newest packet that came into the window, while it is held. */
  #newest: (PacketView | undefined)[] = [undefined];
  /** Sequences given up since the last packet was handed on: lost once another one is. */
  #givenUp = 0;
  bytes = 0;
  /** Packets handed on in order. */
  ordered = 0;
  /** Missing between the first and the last packet handed on of each epoch. */
  lost = 0;
  earlyStrays = 0;

  constructor(size: number, maxBytes: number, output: ReorderOutput) {
    this.#size = size;
    this.#maxBytes = maxBytes;
    this.#output = output;
  }

  get count(): number {
    return this.#ring.count;
  }

  get expected(): Sequence {
    return { high: this.#expectedHigh, low: this.#expectedLow };
  }

  /** When the oldest held packet came; Infinity where none is held. */
  get oldestArrivalMs(): number {
    return this.#arrivals.oldest?.arrivedMs ?? NEVER;
  }

  /** Begins at a sequence; the window must be empty. */
  begin({ high, low }: Sequence): void {
    this.#expectedHigh = high;
    this.#expectedLow = low;
    this.#givenUp = 0;
  }

  /** How far a sequence lies from the expected one. */
  offsetOf(high: number, low: number): number {
    return distance(high, low, this.#expectedHigh, this.#expectedLow);
  }

  placeOf({ high, low }: Sequence): Place {
    const offset = this.offsetOf(high, low);
    if (offset >= 0) return offset < 2 * this.#size ? 'window' : 'far';
    return offset >= -this.#size ? 'behind' : 'far';
  }

  holds(offset: number): boolean {
    return this.#ring.count > 0 && this.#ring.get(offset) !== undefined;
  }

  /** Whether a packet is held that would still be in the window if it slid to make `offset` its last sequence. */
  reaches(offset: number): boolean {
    const slid = offset - this.#size + 1;
    for (let packet = this.#arrivals.oldest; packet !== undefined; packet = packet.newer) {
      if (this.offsetOf(packet.high, packet.low) >= slid) return true;
    }
    return false;
  }

  /** The expected packet goes on at once, and with it what waited for it. */
  deliverExpected(packet: PacketView): void {
    if (this.#newest[packet.source] !== undefined) this.#newest[packet.source] = undefined;
    this.#deliver(packet);
    if (this.#ring.count > 0) this.#drain();
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
    const kept = packet.kept();
    this.#ring.put(offset, kept);
    this.#arrivals.add(kept);
    this.#newest[packet.source] = kept;
    this.bytes += cost;
  }

  /** A packet that is held, or was, comes again: it tells where its source is now. */
  comesAgain({ high, low, source }: PacketView): void {
    const offset = this.offsetOf(high, low);
    this.#newest[source] = offset < 0 ? undefined : this.#ring.get(offset);
  }

  /** Restores the order of arrival, which is that of this list: the packets were offered in order of sequence. */
  orderByArrival(packets: readonly PacketView[]): void {
    this.#newest = [undefined];
    for (const packet of packets) {
      const isHeld = this.#ring.get(this.offsetOf(packet.high, packet.low)) === packet;
      this.#newest[packet.source] = isHeld ? packet : undefined;
      if (!isHeld) continue;
      this.#arrivals.remove(packet);
      this.#arrivals.add(packet);
    }
  }

  /** Gives up the gaps among the next `count` sequences. More than two windows are none of this epoch's. */
  giveUp(count: number): void {
    if (count > 0 && count < 2 * this.#size) this.#advance(count);
  }

  /** Gives up the gap before the lowest held packet, if any is held. */
  giveUpGap(): void {
    if (this.count > 0) this.#advance(this.#lowestOffset() + 1);
  }

  /** Lets go of what arrived at `thenMs` or earlier: the gaps before it are given up, or it is dropped as a stray. */
  releaseArrivedBy(thenMs: number): void {
    for (;;) {
      const { oldest } = this.#arrivals;
      if (oldest === undefined || oldest.arrivedMs > thenMs) return;
      const offset = this.offsetOf(oldest.high, oldest.low);
      if (this.#isEarlyStray(oldest, offset)) {
        this.#remove(oldest, offset);
        this.earlyStrays += 1;
      } else {
        this.#advance(offset + 1);
      }
    }
  }

  /** Lets go of all that is held. */
  releaseAll(): void {
    this.releaseArrivedBy(NEVER);
  }

  /**
   * Whether a held packet came too early to belong here: a gap before it is longer than all that is held behind that
   * gap, and the newest packet of its source lies before the gap, so that is where the source is now. Giving up the gap
   * would lose more than dropping the packet does.
   */
  #isEarlyStray(packet: PacketView, offset: number): boolean {
    const newest = this.#newest[packet.source];
    if (newest === packet) return false;
    const sourceOffset = newest === undefined ? -1 : this.offsetOf(newest.high, newest.low);
    let heldBehind = this.#heldFrom(offset);
    let missing = 0;
    for (let at = offset - 1; at > sourceOffset; at -= 1) {
      if (this.holds(at)) {
        heldBehind += 1;
        missing = 0;
      } else {
        missing += 1;
        if (missing > heldBehind) return true;
      }
    }
    return false;
  }

  /** How many packets are held at an offset and beyond. */
  #heldFrom(offset: number): number {
    let count = 0;
    for (let packet = this.#arrivals.oldest; packet !== undefined; packet = packet.newer) {
      if (this.offsetOf(packet.high, packet.low) >= offset) count += 1;
    }
    return count;
  }

  #remove(packet: PacketView, offset: number): void {
    this.#ring.remove(offset);
    this.#arrivals.remove(packet);
    this.bytes -= costOf(packet);
    if (packet === this.#newest[packet.source]) this.#newest[packet.source] = undefined;
  }

  #lowestOffset(): number {
    let offset = 0;
    while (!this.holds(offset)) offset += 1;
    return offset;
  }

  /** Moves on by `steps` sequences, and by all that are held from there. */
  #advance(steps: number): void {
    let left = steps;
    while (left > 0 && this.#ring.count > 0) {
      left -= 1;
      if (!this.#deliverHeld()) {
        this.#givenUp += 1;
        this.#step(1);
      }
    }
    this.#givenUp += left;
    this.#step(left);
    this.#drain();
  }

  #drain(): void {
    while (this.#ring.count > 0 && this.#deliverHeld());
  }

  /** Delivers the expected packet if it is held. */
  #deliverHeld(): boolean {
    const packet = this.#ring.get(0);
    if (packet === undefined) return false;
    this.#remove(packet, 0);
    this.#deliver(packet);
    return true;
  }

  #deliver(packet: PacketView): void {
    this.#step(1);
    this.ordered += 1;
    if (this.#givenUp > 0) {
      this.lost += this.#givenUp;
      this.#givenUp = 0;
    }
    this.#output.deliver(packet);
  }

  #step(count: number): void {
    this.#ring.advance(count);
    this.#expectedHigh = highAfter(this.#expectedHigh, this.#expectedLow, count);
    this.#expectedLow = lowAfter(this.#expectedLow, count);
  }
}
