import { costOf, GatheredPackets, type HeldPacket, holdPacket } from './held-packets.ts';
import { distance, type Sequence } from './sequence.ts';
import { type ReorderOutput, SequenceWindow } from './sequence-window.ts';
import { StrayPackets } from './stray-packets.ts';

export type { ReorderOutput };

export interface ReorderLimits {
  /** W: the sequences a window spans. */
  readonly maxPackets: number;
  /** Bound of everything kept, each packet with PACKET_OVERHEAD_BYTES on top; at least the two largest packets. */
  readonly maxBytes: number;
  readonly deadlineMs: number;
  readonly settleMs: number;
}

/** Every received packet is delivered, or counted as late or stray, or still kept. */
export interface ReorderCounters {
  readonly received: number;
  readonly delivered: number;
  /** Sequences missing between the first and the last delivered of each epoch. */
  readonly lost: number;
  /** Late and repeated packets. */
  readonly late: number;
  /** Strays: too far from the expected sequence, and no proof of a jump. */
  readonly stray: number;
  readonly jumps: number;
  readonly restarts: number;
}

const NEVER = Number.POSITIVE_INFINITY;

/**
 * Puts one channel in order. Pure: no clock, no I/O; time comes in as an argument, in monotonic milliseconds.
 *
 * With d the serial distance (modulo 2^64) of a packet from the expected one, and W the window:
 *
 *     0 ≤ d < W    window: d = 0 goes on at once, others are held
 *     W ≤ d < 2W   the window slides until the packet is its last; gaps that fall out are lost
 *    -W ≤ d < 0    late; so is what is already held, and the range that the last jump left
 *     else         stray
 *
 * An epoch is a span of ascending sequences. It begins by settling: packets are gathered for a while, then the lowest
 * one is the first expected. Epochs end by a jump (five different stray packets within W of each other, none of the
 * window between them) or a restart (for a while nothing but late packets).
 *
 * Invariants: delivery is strictly ascending within an epoch; every received packet is delivered, counted as late or
 * as stray, or still kept; everything kept costs at most `maxBytes`; nothing in the window or gathered stays past
 * `deadlineMs` where `expire` is called at `dueMs`.
 */
export class ReorderBuffer {
  readonly #limits: ReorderLimits;
  readonly #window: SequenceWindow;
  /** While settling: the epoch's first packets. Else: late packets that may prove a restart. */
  readonly #gathered = new GatheredPackets();
  readonly #strays = new StrayPackets();

  #settling = true;
  /** When what is gathered began to be. */
  #gatheredSinceMs = NEVER;
  #everOrdered = false;
  /** Where the epoch that the last jump ended had got to. */
  #left: Sequence | undefined;

  /** Arrival of the first late packet since the window's last one. */
  #lateSinceMs = NEVER;
  #keepLate = false;
  /** The source has connected anew, and no packet of the window has come since. */
  #reconnected = false;
  /** Unless the expected packet comes, the gap that a new connection found is given up at this time. */
  #resumeByMs = NEVER;

  #nowMs = 0;
  readonly #counts = { received: 0, late: 0, stray: 0, jumps: 0, restarts: 0 };

  constructor(limits: ReorderLimits, output: ReorderOutput) {
    this.#limits = limits;
    this.#window = new SequenceWindow(limits.maxPackets, limits.maxBytes, output);
  }

  get counters(): ReorderCounters {
    return { ...this.#counts, delivered: this.#window.delivered, lost: this.#window.lost };
  }

  /** Packets kept: held in the window, gathered, and stray candidates. */
  get heldPackets(): number {
    return this.#window.count + this.#gathered.count + this.#strays.count;
  }

  get heldBytes(): number {
    return this.#window.bytes + this.#gathered.bytes + this.#strays.bytes;
  }

  /** When `expire` next has something to do; Infinity if never. May be early, is never late. */
  get dueMs(): number {
    const gatheredMs = this.#gathered.count > 0 ? this.#settledMs() : NEVER;
    if (this.#window.count === 0) return gatheredMs;
    const heldMs = this.#window.oldestArrivalMs + this.#limits.deadlineMs;
    return Math.min(gatheredMs, heldMs, this.#resumeByMs);
  }

  /** Takes a packet; its payload `bytes[start, end)` is copied if it must wait. */
  push(high: number, low: number, bytes: Buffer, start: number, end: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#counts.received += 1;
    this.#place(high, low, bytes, start, end, nowMs);
  }

  /** Gives up what has waited too long. Call it at `dueMs`, once all that had arrived by then was pushed. */
  expire(nowMs: number): void {
    this.#nowMs = nowMs;
    while (this.#gathered.count > 0 && nowMs >= this.#settledMs()) {
      if (this.#settling) this.#startEpoch();
      else this.#restart();
    }
    if (nowMs >= this.#resumeByMs) {
      this.#resumeByMs = NEVER;
      this.#window.giveUpGap();
    }
    this.#window.releaseArrivedBy(nowMs - this.#limits.deadlineMs);
  }

  /** Hands on all that the window holds, giving up its gaps, and drops strays: the memory is needed. */
  giveUpGaps(): void {
    this.#window.handOnAll();
    this.#dropStrays();
  }

  /** A new connection to the source begins: it may go on, repeat, or have started again from 0. */
  sourceConnected(): void {
    if (this.#settling) return;
    this.#keepLate = true;
    this.#reconnected = true;
  }

  #place(high: number, low: number, bytes: Buffer, start: number, end: number, atMs: number) {
    if (this.#settling) {
      this.#settle(high, low, bytes, start, end, atMs);
      return;
    }
    const offset = this.#window.offsetOf(high, low);
    const size = this.#limits.maxPackets;
    if (offset >= 0 && offset < 2 * size) {
      if (offset > 0 && offset < size && this.#window.holds(offset)) {
        this.#counts.late += 1;
        return;
      }
      this.#seenInWindow();
      if (offset === 0) {
        this.#resumeByMs = NEVER;
        this.#window.deliverExpected(bytes, start, end);
      } else {
        this.#window.hold(high, low, bytes, start, end, atMs);
      }
    } else if ((offset < 0 && offset >= -size) || this.#inLeftRange(high, low)) {
      this.#takeLate(high, low, bytes, start, end, atMs);
    } else {
      this.#takeStray(high, low, bytes, start, end, atMs);
    }
  }

  /** A packet of the window tells that the epoch goes on: stray ones were strays, late ones repeats. */
  #seenInWindow(): void {
    if (this.#strays.count > 0) this.#dropStrays();
    if (this.#gathered.count > 0) this.#counts.late += this.#gathered.take().length;
    this.#lateSinceMs = NEVER;
    this.#keepLate = false;
    const isOver = this.#window.count === 0 && this.#nowMs >= this.#resumeByMs;
    if (isOver) this.#resumeByMs = NEVER; // it came while nothing waited
    if (this.#reconnected) {
      this.#reconnected = false;
      this.#resumeByMs = this.#nowMs + this.#limits.settleMs;
    }
  }

  #takeLate(high: number, low: number, bytes: Buffer, start: number, end: number, atMs: number) {
    if (this.#lateSinceMs === NEVER) this.#lateSinceMs = this.#nowMs;
    if (this.#nowMs - this.#lateSinceMs >= this.#limits.deadlineMs) this.#keepLate = true;
    const isFull = this.#gathered.count === this.#limits.maxPackets || !this.#hasRoom(end - start);
    if (!this.#keepLate || isFull || this.#gathered.has(high, low)) {
      this.#counts.late += 1;
      return;
    }
    if (this.#gathered.count === 0) this.#gatheredSinceMs = this.#nowMs;
    this.#gathered.add(holdPacket(high, low, bytes, start, end, atMs));
  }

  #takeStray(high: number, low: number, bytes: Buffer, start: number, end: number, atMs: number) {
    if (this.#strays.has(high, low)) {
      this.#counts.stray += 1;
      return;
    }
    let crowded = false;
    while (this.#strays.count > 0 && (this.#strays.full || !this.#hasRoom(end - start))) {
      // Payloads so large that no five fit: those that fit are proof enough, once nothing else takes the room.
      crowded = !this.#strays.full && this.#window.count === 0 && this.#gathered.count === 0;
      this.#strays.dropOldest();
      this.#counts.stray += 1;
    }
    if (!this.#hasRoom(end - start)) {
      this.#counts.stray += 1;
      return;
    }
    this.#strays.add(holdPacket(high, low, bytes, start, end, atMs));
    const size = this.#limits.maxPackets;
    const proof = crowded ? this.#strays.nearNewest(size) : this.#strays.proofOfJump(size);
    if (proof !== undefined && proof.length > 1) this.#jump(proof);
  }

  #dropStrays(): void {
    this.#counts.stray += this.#strays.take().length;
  }

  #hasRoom(payloadBytes: number): boolean {
    return this.heldBytes + costOf(payloadBytes) <= this.#limits.maxBytes;
  }

  #inLeftRange(high: number, low: number): boolean {
    if (this.#left === undefined) return false;
    const offset = distance(high, low, this.#left.high, this.#left.low);
    return offset >= -2 * this.#limits.maxPackets && offset < this.#limits.maxPackets;
  }

  #jump(proof: readonly HeldPacket[]): void {
    this.#window.handOnAll();
    this.#counts.jumps += 1;
    this.#left = this.#window.expected;
    this.#counts.late += this.#gathered.take().length;
    this.#counts.stray += this.#strays.take().length - proof.length;
    this.#openEpoch(proof, this.#nowMs);
  }

  #restart(): void {
    this.#window.handOnAll();
    this.#counts.restarts += 1;
    this.#left = undefined;
    this.#dropStrays();
    this.#openEpoch(this.#gathered.take(), this.#gatheredSinceMs);
  }

  #openEpoch(packets: readonly HeldPacket[], sinceMs: number): void {
    this.#settling = true;
    this.#gatheredSinceMs = sinceMs;
    for (const packet of packets) this.#gathered.add(packet);
    if (this.#startsEarly()) this.#startEpoch();
  }

  #settle(high: number, low: number, bytes: Buffer, start: number, end: number, atMs: number) {
    const isNear = Math.abs(this.#gathered.offsetOf(high, low)) < this.#limits.maxPackets;
    if ((this.#inLeftRange(high, low) && !isNear) || this.#gathered.has(high, low)) {
      this.#counts.late += 1;
      return;
    }
    const isFull = this.#gathered.count > 0 && !this.#hasRoom(end - start);
    if (this.#gathered.count === 0) this.#gatheredSinceMs = this.#nowMs;
    this.#gathered.add(holdPacket(high, low, bytes, start, end, atMs));
    if (isFull || this.#startsEarly()) this.#startEpoch();
  }

  /** Whether the epoch may start at once: when full, or at 0, where sources begin, unless 0 came by wrapping. */
  #startsEarly(): boolean {
    if (this.#gathered.count >= this.#limits.maxPackets) return true;
    if (this.#gathered.lowestHigh !== 0 || this.#gathered.lowestLow !== 0) return false;
    return !this.#everOrdered || this.#window.offsetOf(0, 0) <= 0;
  }

  /** When the gathered packets have settled. Those that begin a little above 0 may lack the 0 that sources begin at. */
  #settledMs(): number {
    const { deadlineMs, settleMs, maxPackets } = this.#limits;
    const { lowestHigh, lowestLow, firstArrivedMs } = this.#gathered;
    const lacksZero = lowestHigh === 0 && lowestLow > 0 && lowestLow < maxPackets;
    const settledMs = this.#gatheredSinceMs + (this.#settling && lacksZero ? deadlineMs : settleMs);
    return Math.min(settledMs, firstArrivedMs + deadlineMs);
  }

  #startEpoch(): void {
    this.#settling = false;
    this.#everOrdered = true;
    this.#reconnected = false;
    this.#keepLate = false;
    this.#lateSinceMs = NEVER;
    this.#resumeByMs = NEVER;
    const { count } = this.#gathered;
    const packets = this.#gathered.takeNearNewest(2 * this.#limits.maxPackets);
    this.#counts.stray += count - packets.length;
    const [first] = packets;
    if (first !== undefined) this.#window.begin(first.high, first.low);
    for (const { high, low, payload, arrivedMs } of packets) {
      this.#place(high, low, payload, 0, payload.length, arrivedMs);
    }
  }
}
