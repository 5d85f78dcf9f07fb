/**
 * The reorder buffer once more, from the rules alone: arrays, BigInt, a fresh look at everything on every step. It
 * keeps sequences without bytes. Where the rules leave the outcome open, `isSpecified` says so.
 */

import { ahead, ascending, holds, isEarlyStray, isWithin, type Kept, plus } from './circle.ts';

export interface ModelLimits {
  readonly maxPackets: number;
  readonly deadlineMs: number;
  readonly settleMs: number;
}

const CANDIDATES = 16;
const JUMP = 5;

export class ReorderModel {
  /** Delivered sequences, one list per epoch. */
  readonly epochs: bigint[][] = [];
  received = 0;
  late = 0;
  stray = 0;
  jumps = 0;
  restarts = 0;
  readonly #limits: ModelLimits;
  readonly #window: bigint;
  /** The next sequence of the epoch; undefined while it settles. */
  #expected: bigint | undefined;
  /** What the epoch before expected at its end. */
  #before: bigint | undefined;
  /** When the epoch that settles got its first packet. */
  #settlingSince = 0;
  #held: Kept[] = [];
  /** The newest packet that came into the window. */
  #newest: Kept | undefined;
  #aside: Kept[] = [];
  #candidates: Kept[] = [];
  /** Where the epoch before the last jump had got to. */
  #left: bigint | undefined;
  #keepLateAside = false;
  #onlyPastSince: number | undefined;
  /** The source has connected anew, and no packet of the window has come since. */
  #reconnected = false;
  /** Since when the first packet of a new connection waits for the expected one. */
  #waitingSince: number | undefined;

  constructor(limits: ModelLimits) {
    this.#limits = limits;
    this.#window = BigInt(limits.maxPackets);
  }

  /** Missing between the first and the last delivered of each epoch. */
  get lost(): number {
    return this.epochs.reduce((sum, epoch) => {
      if (epoch.length === 0) return sum;
      const span = Number(ahead(epoch[0] ?? 0n, epoch[epoch.length - 1] ?? 0n)) + 1;
      return sum + span - epoch.length;
    }, 0);
  }

  get heldPackets(): number {
    return this.#held.length + this.#aside.length + this.#candidates.length;
  }

  get dueMs(): number {
    const due: number[] = [];
    if (this.#expected === undefined) {
      if (this.#held.length > 0) due.push(this.#settledMs);
    } else {
      for (const { arrivedMs } of this.#held) due.push(arrivedMs + this.#limits.deadlineMs);
      if (this.#waitingSince !== undefined) due.push(this.#waitingSince + this.#limits.settleMs);
    }
    const [first] = this.#aside;
    if (first) due.push(first.arrivedMs + this.#limits.settleMs);
    return Math.min(...due);
  }

  /** Whether the rules say what becomes of this packet now. */
  isSpecified(sequence: bigint): boolean {
    const isBeside = ({ sequence: kept }: Kept) => isWithin(this.#window, kept, sequence);
    if (this.#expected === undefined) {
      const isLeft = [sequence, ...this.#held.map((kept) => kept.sequence)].some(this.#isLeft);
      return !isLeft && this.#held.every(isBeside);
    }
    if (this.#isInWindow(sequence, ahead(this.#expected, sequence))) return true;
    const isAsideOpen = this.#aside.length < this.#limits.maxPackets;
    return isAsideOpen && this.#aside.every(isBeside) && !this.#isBesideLeft(sequence);
  }

  push(sequence: bigint, nowMs: number): void {
    this.received += 1;
    const packet = { sequence, arrivedMs: nowMs, nth: this.received };
    if (this.#expected === undefined) this.#pushSettling(packet);
    else this.#pushKnown(packet, ahead(this.#expected, sequence));
  }

  expire(nowMs: number): void {
    const [first] = this.#aside;
    if (first && nowMs >= first.arrivedMs + this.#limits.settleMs) this.#restart(first.arrivedMs);
    if (this.#expected === undefined && nowMs >= this.#settledMs) this.#start();
    const waiting = this.#waitingSince;
    if (waiting !== undefined && nowMs >= waiting + this.#limits.settleMs) {
      this.#waitingSince = undefined;
      this.#giveUpGap();
    }
    if (this.#expected !== undefined) this.#release(nowMs - this.#limits.deadlineMs);
  }

  sourceConnected(): void {
    if (this.#expected === undefined) return;
    this.#keepLateAside = true;
    this.#reconnected = true;
  }

  /** Beyond W only the stream itself: what lies beside a held packet, or is the first of a new connection. */
  #isInWindow(sequence: bigint, distance: bigint): boolean {
    if (distance < 0n || distance >= 2n * this.#window) return false;
    const isBeside = ({ sequence: held }: Kept) => ahead(held, sequence) < this.#window;
    return distance < this.#window || this.#reconnected || this.#held.some(isBeside);
  }

  /** Each packet that arrived by then goes, the oldest first: dropped as an early stray, or on, without what lacks. */
  #release(thenMs: number): void {
    for (;;) {
      const [oldest] = this.#held.toSorted((a, b) => a.nth - b.nth);
      if (oldest === undefined || oldest.arrivedMs > thenMs) return;
      if (isEarlyStray(oldest, this.#held, this.#newest, this.#expected ?? 0n)) {
        this.#held = this.#held.filter((kept) => kept !== oldest);
        this.stray += 1;
      } else {
        while (this.#held.includes(oldest)) this.#giveUpGap();
      }
    }
  }

  readonly #isLeft = (sequence: bigint): boolean => {
    if (this.#left === undefined) return false;
    const distance = ahead(this.#left, sequence);
    return distance >= -2n * this.#window && distance < 2n * this.#window;
  };

  /** How far the left range reaches ahead, one window or two, is open. */
  #isBesideLeft(sequence: bigint): boolean {
    return this.#isLeft(sequence) && ahead(this.#left ?? 0n, sequence) >= this.#window;
  }

  /** When the epoch has gathered its first packets; no packet waits for longer than its own deadline. */
  get #settledMs(): number {
    const { deadlineMs, settleMs } = this.#limits;
    const lowest = this.#held[0]?.sequence ?? 0n;
    const isYoung = lowest > 0n && lowest < this.#window;
    const settledMs = this.#settlingSince + (isYoung ? deadlineMs : settleMs);
    return Math.min(settledMs, ...this.#held.map(({ arrivedMs }) => arrivedMs + deadlineMs));
  }

  /** Whether the lowest held is 0, where sources begin, and not the successor of 2^64-1. */
  #isAtOrigin(): boolean {
    const isWrapped = this.#before !== undefined && ahead(this.#before, 0n) > 0n;
    return this.#held[0]?.sequence === 0n && !isWrapped;
  }

  #pushSettling(packet: Kept): void {
    if (holds(this.#held, packet.sequence)) {
      this.late += 1;
      return;
    }
    if (this.#held.length === 0) this.#settlingSince = packet.arrivedMs;
    this.#held = ascending([...this.#held, packet]);
    this.#sourceGoesOn();
    const isFull = this.#held.length >= this.#limits.maxPackets;
    if (isFull || this.#isAtOrigin()) this.#start();
  }

  #pushKnown(packet: Kept, distance: bigint): void {
    if (holds(this.#held, packet.sequence)) {
      this.late += 1;
    } else if (this.#isInWindow(packet.sequence, distance)) {
      this.#pushNear(packet, distance);
    } else if ((distance < 0n && distance >= -this.#window) || this.#isLeft(packet.sequence)) {
      this.#pushPast(packet);
    } else {
      this.#pushFar(packet);
    }
  }

  #pushNear(packet: Kept, distance: bigint): void {
    this.#sourceGoesOn();
    this.#newest = packet;
    this.#held = ascending([...this.#held, packet]);
    if (distance >= this.#window) {
      const slid = plus(packet.sequence, 1n - this.#window);
      while (this.#held[0] && ahead(this.#held[0].sequence, slid) > 0n) this.#deliverLowest();
      this.#expected = slid;
    }
    if (this.#reconnected) this.#waitingSince = packet.arrivedMs;
    if (distance === 0n) this.#waitingSince = undefined;
    this.#reconnected = false;
    this.#deliverExpected();
  }

  #pushPast(packet: Kept): void {
    this.#onlyPastSince ??= packet.arrivedMs;
    if (packet.arrivedMs >= this.#onlyPastSince + this.#limits.deadlineMs)
      this.#keepLateAside = true;
    if (this.#keepLateAside && !holds(this.#aside, packet.sequence)) this.#aside.push(packet);
    else this.late += 1;
  }

  #pushFar(packet: Kept): void {
    if (holds(this.#candidates, packet.sequence)) {
      this.stray += 1;
      return;
    }
    this.#candidates.push(packet);
    const sorted = ascending(this.#candidates);
    const first = sorted.findIndex((kept, at) => {
      const fifth = sorted[at + JUMP - 1];
      if (fifth === undefined) return false;
      const from = packet.sequence;
      return ahead(from, fifth.sequence) - ahead(from, kept.sequence) < this.#window;
    });
    if (first >= 0) this.#jump(sorted.slice(first, first + JUMP), packet.arrivedMs);
    else if (this.#candidates.length > CANDIDATES) {
      this.#candidates.shift();
      this.stray += 1;
    }
  }

  /** A packet in the window: what was late were repeats, what was stray were strays. */
  #sourceGoesOn(): void {
    this.late += this.#aside.length;
    this.stray += this.#candidates.length;
    this.#aside = [];
    this.#candidates = [];
    this.#keepLateAside = false;
    this.#onlyPastSince = undefined;
  }

  #jump(opening: Kept[], nowMs: number): void {
    this.#handOnHeld();
    this.#left = this.#expected;
    this.stray -= opening.length; // #sourceGoesOn counts all candidates
    this.#sourceGoesOn();
    this.jumps += 1;
    this.#open(opening, nowMs);
    if (this.#isAtOrigin()) this.#start();
  }

  #restart(sinceMs: number): void {
    const opening = ascending(this.#aside);
    this.#aside = [];
    this.#handOnHeld();
    this.#left = undefined;
    this.#sourceGoesOn();
    this.restarts += 1;
    this.#open(opening, sinceMs);
  }

  #open(opening: Kept[], sinceMs: number): void {
    this.#reconnected = false;
    this.#waitingSince = undefined;
    this.#before = this.#expected;
    this.#expected = undefined;
    this.#held = opening;
    this.#settlingSince = sinceMs;
  }

  #start(): void {
    this.epochs.push([]);
    this.#newest = this.#held.toSorted((a, b) => b.nth - a.nth)[0];
    this.#giveUpGap();
  }

  #handOnHeld(): void {
    this.#release(Number.POSITIVE_INFINITY);
  }

  #giveUpGap(): void {
    if (this.#held.length > 0) this.#deliverLowest();
    this.#deliverExpected();
  }

  #deliverExpected(): void {
    while (this.#held[0]?.sequence === this.#expected) this.#deliverLowest();
  }

  #deliverLowest(): void {
    const packet = this.#held.shift();
    if (packet === undefined) return;
    this.epochs[this.epochs.length - 1]?.push(packet.sequence);
    this.#expected = plus(packet.sequence, 1n);
  }
}
