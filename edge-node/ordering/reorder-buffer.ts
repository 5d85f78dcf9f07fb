import { costOf } from './held-packets.ts';
import { LeftRange } from './left-range.ts';
import type { PacketView } from './packet-view.ts';
import {
  besideWindow,
  NEVER,
  newOrdered,
  newProving,
  type Ordered,
  type Phase,
  type Proving,
  phaseDueMs,
} from './phases.ts';
import { Reconnection } from './reconnection.ts';
import type { Place, ReorderCounters, ReorderLimits, ReorderOutput } from './reorder-contract.ts';
import type { Sequence } from './sequence.ts';
import { ascending, Settling } from './settling.ts';
import { StrayPackets } from './stray-packets.ts';
import { SequenceWindow } from './window/sequence-window.ts';

/**
 * Puts one channel in order. Pure: no clock, no I/O; time comes in as an argument, in monotonic milliseconds.
 *
 * With d the serial distance (modulo 2^64) of a packet from the expected one, and W the window:
 *
 *     0 ≤ d < W    window: d = 0 goes on at once, others are held
 *     W ≤ d < 2W   the window slides until the packet is its last, and gaps that fall out are lost, where that leaves
 *                  another held packet in it, or where the packet is a new connection's first
 *    -W ≤ d < 0    late; so is what is already held, and the range that the last jump left
 *     else         stray
 *
 * An epoch is a span of ascending sequences. It begins by settling: packets are gathered for a while, then the lowest
 * one is the first expected. Once a packet has been held for REORDER_DEADLINE_MS, the gaps before it are given up; or
 * it is dropped as an early stray, where the source has since gone on before it and more is missing before it than is
 * held from it on. Epochs end by a jump or a restart:
 *
 *       settled, full, or 0 came: the        none but late ones came for
 *       lowest is the first expected         a deadline: they are kept aside
 *     ┌──────────┐          ┌─────────┐           ┌─────────┐
 *     │ settling │ ───────▶ │ ordered │ ────────▶ │ proving │
 *     └──────────┘          └─────────┘ ◀──────── └─────────┘
 *        ▲    ▲                  │  a packet of the  │    │
 *        │    │                  │  window: they     │    │ for REORDER_SETTLE_MS
 *        │    │                  │  were repeats     │    │ only late packets
 *        │    └───── jump ───────┴───────────────────┘    │
 *        └────────── restart ─────────────────────────────┘
 *
 *     jump: five different strays within W of each other, no packet of the window between them
 *
 * Invariants: what is handed on is strictly ascending within an epoch; every received packet is handed on, counted as
 * late or as stray, or still kept; everything kept costs at most `maxBytes`; nothing in the window, gathered or kept
 * aside stays past `deadlineMs` where `expire` is called at `dueMs`.
 */
export class ReorderBuffer {
  readonly #limits: ReorderLimits;
  readonly #window: SequenceWindow;
  readonly #strays = new StrayPackets();
  #phase: Phase = new Settling();
  #reconnection: Reconnection | undefined;
  #everOrdered = false;
  readonly #left = new LeftRange();
  #nowMs = 0;
  readonly #counts = { received: 0, late: 0, jumps: 0, restarts: 0 };

  constructor(limits: ReorderLimits, output: ReorderOutput) {
    this.#limits = limits;
    this.#window = new SequenceWindow(limits.maxPackets, limits.maxBytes, output);
  }

  get counters(): ReorderCounters {
    const { ordered, lost, earlyStrays } = this.#window;
    return { ...this.#counts, stray: this.#strays.dropped + earlyStrays, ordered, lost };
  }

  /** Packets kept: held in the window, gathered, kept aside, and stray candidates. */
  get heldPackets(): number {
    return this.#window.count + this.#strays.count + (besideWindow(this.#phase)?.count ?? 0);
  }

  get heldBytes(): number {
    return this.#window.bytes + this.#strays.bytes + (besideWindow(this.#phase)?.bytes ?? 0);
  }

  /** When `expire` next has something to do; Infinity if never. May be early, is never late. */
  get dueMs(): number {
    const phaseMs = phaseDueMs(this.#phase, this.#limits);
    if (this.#window.count === 0) return phaseMs;
    const heldMs = this.#window.oldestArrivalMs + this.#limits.deadlineMs;
    return Math.min(phaseMs, heldMs, this.#reconnection?.resumeByMs ?? NEVER);
  }

  /** How often the sequences have begun anew. */
  get epochs(): number {
    return this.#counts.jumps + this.#counts.restarts;
  }

  /** Where a packet lies that comes now. */
  placeOf(packet: PacketView): Place {
    if (this.#phase.kind !== 'settling') return this.#window.placeOf(packet);
    return this.#phase.isNear(packet, this.#limits.maxPackets) ? 'window' : 'far';
  }

  /** Whether this packet of the window is kept already. */
  holds(packet: PacketView): boolean {
    if (this.#phase.kind === 'settling') return this.#phase.has(packet);
    return this.#window.holds(this.#window.offsetOf(packet.high, packet.low));
  }

  /** What goes on next, and since when others wait for it (Infinity: none does); undefined while an epoch settles. */
  get next(): (Sequence & { readonly waitsSinceMs: number }) | undefined {
    if (this.#phase.kind === 'settling') return undefined;
    return { ...this.#window.expected, waitsSinceMs: this.#window.oldestArrivalMs };
  }

  /** An epoch begins at this sequence: none before it is wanted. Nothing is in the window. */
  begin(first: Sequence): void {
    this.#phase = newOrdered();
    this.#everOrdered = true;
    this.#reconnection = undefined;
    this.#window.begin(first);
  }

  /** What lies before this sequence and has not come is lost. */
  giveUpBefore({ high, low }: Sequence): void {
    if (this.#phase.kind !== 'settling') this.#window.giveUp(this.#window.offsetOf(high, low));
  }

  /** Takes a packet, and keeps a copy if it must wait. */
  push(packet: PacketView): void {
    this.#nowMs = packet.arrivedMs;
    this.#counts.received += 1;
    this.#place(packet);
  }

  /** A packet comes that is late or kept already, and proves nothing by it but where its source is. It is not counted. */
  comesAgain(packet: PacketView): void {
    this.#window.comesAgain(packet);
  }

  /** Gives up what has waited too long. Call it at `dueMs`, once all that had arrived by then was pushed. */
  expire(nowMs: number): void {
    this.#nowMs = nowMs;
    while (nowMs >= phaseDueMs(this.#phase, this.#limits)) {
      if (this.#phase.kind === 'settling') this.#startEpoch(this.#phase);
      else if (this.#phase.kind === 'proving') this.#restart(this.#phase);
    }
    if (this.#reconnection !== undefined && nowMs >= this.#reconnection.resumeByMs) {
      this.#reconnection.resume();
      this.#window.giveUpGap();
    }
    this.#window.releaseArrivedBy(nowMs - this.#limits.deadlineMs);
  }

  /** Lets go of all that is kept: epochs start, gaps are given up, and what may prove a jump or restart is dropped. */
  handOnAll(): void {
    // What starts may at once jump, and settle again.
    while (this.#phase.kind === 'settling' && this.#phase.count > 0) this.#startEpoch(this.#phase);
    if (this.#phase.kind === 'proving') this.#goesOn(this.#phase);
    this.#window.releaseAll();
    this.#strays.drop();
  }

  /** A new connection to the source begins: it may go on, repeat, or have started again from 0. */
  sourceConnected(): void {
    if (this.#phase.kind === 'settling') return;
    if (this.#phase.kind === 'ordered') this.#phase.keepsLate = true;
    if (this.#reconnection === undefined) this.#reconnection = new Reconnection();
    else this.#reconnection.again();
  }

  #place(packet: PacketView): void {
    if (this.#phase.kind === 'settling') {
      this.#gather(this.#phase, packet);
      return;
    }
    const offset = this.#window.offsetOf(packet.high, packet.low);
    const size = this.#limits.maxPackets;
    if (offset >= 0 && (offset < size || this.#slides(offset))) {
      if (offset > 0 && offset < size && this.#window.holds(offset)) {
        this.#counts.late += 1;
        return;
      }
      this.#goesOn(this.#phase);
      if (offset === 0) {
        this.#reconnection = undefined;
        this.#window.deliverExpected(packet);
      } else {
        this.#window.hold(packet);
      }
    } else if ((offset < 0 && offset >= -size) || this.#left.has(packet, size)) {
      this.#takeLate(this.#phase, packet);
    } else {
      this.#takeStray(packet);
    }
  }

  /** Whether a packet beyond the window belongs to the stream, which has gone on there, and is no stray. */
  #slides(offset: number): boolean {
    if (offset >= 2 * this.#limits.maxPackets) return false;
    return this.#reconnection?.awaitsFirst === true || this.#window.reaches(offset);
  }

  /** A packet of the window shows that the epoch goes on: kept strays were strays, and kept late packets repeats. */
  #goesOn(phase: Ordered | Proving): void {
    this.#strays.drop();
    if (phase.kind === 'proving') {
      this.#counts.late += phase.late.count;
      this.#phase = newOrdered();
    } else if (phase.keepsLate || phase.lateSinceMs !== NEVER) {
      phase.lateSinceMs = NEVER;
      phase.keepsLate = false;
    }
    this.#reconnection?.goesOn(this.#window.count === 0, this.#nowMs, this.#limits.settleMs);
  }

  #takeLate(phase: Ordered | Proving, packet: PacketView): void {
    if (phase.kind === 'ordered') this.#dropLateOrProve(phase, packet);
    else if (this.#canKeep(phase, packet)) phase.late.add(packet);
    else this.#counts.late += 1;
  }

  #canKeep({ late }: Proving, packet: PacketView): boolean {
    return late.count < this.#limits.maxPackets && this.#hasRoom(packet) && !late.has(packet);
  }

  #dropLateOrProve(phase: Ordered, packet: PacketView): void {
    if (phase.lateSinceMs === NEVER) phase.lateSinceMs = this.#nowMs;
    if (this.#nowMs - phase.lateSinceMs >= this.#limits.deadlineMs) phase.keepsLate = true;
    if (!phase.keepsLate || !this.#hasRoom(packet)) {
      this.#counts.late += 1;
      return;
    }
    this.#phase = newProving(packet, this.#nowMs);
  }

  #takeStray(packet: PacketView): void {
    const { maxPackets, maxBytes } = this.#limits;
    const others = this.heldBytes - this.#strays.bytes;
    if (!this.#strays.offer(packet, maxBytes - others)) return;
    const proof = this.#strays.proofOfJump(maxPackets, maxBytes);
    if (proof !== undefined) this.#jump(proof);
  }

  #hasRoom(packet: PacketView): boolean {
    return this.heldBytes + costOf(packet) <= this.#limits.maxBytes;
  }

  #jump(proof: readonly PacketView[]): void {
    this.#window.releaseAll();
    this.#counts.jumps += 1;
    this.#left.leave(this.#window.expected);
    this.#counts.late += besideWindow(this.#phase)?.count ?? 0;
    this.#strays.dropped += this.#strays.take().length - proof.length;
    this.#settle(Settling.with(proof, this.#nowMs));
  }

  #restart({ late, sinceMs }: Proving): void {
    this.#window.releaseAll();
    this.#counts.restarts += 1;
    this.#left.leave(undefined);
    this.#strays.drop();
    this.#settle(Settling.with(late.take(), sinceMs));
  }

  #settle(settling: Settling): void {
    this.#phase = settling;
    if (this.#startsEarly(settling)) this.#startEpoch(settling);
  }

  #gather(settling: Settling, packet: PacketView): void {
    const { maxPackets } = this.#limits;
    const isNear = Math.abs(settling.offsetOf(packet)) < maxPackets;
    if ((this.#left.has(packet, maxPackets) && !isNear) || settling.has(packet)) {
      this.#counts.late += 1;
      return;
    }
    const isFull = settling.count > 0 && !this.#hasRoom(packet);
    settling.gather(packet, this.#nowMs);
    if (isFull || this.#startsEarly(settling)) this.#startEpoch(settling);
  }

  /** Whether the epoch may start at once: when full, or at 0, where sources begin, unless 0 came by wrapping. */
  #startsEarly(settling: Settling): boolean {
    if (settling.count >= this.#limits.maxPackets) return true;
    if (!settling.startsAtZero) return false;
    return !this.#everOrdered || this.#window.offsetOf(0, 0) <= 0;
  }

  #startEpoch(settling: Settling): void {
    const { count } = settling;
    const packets = settling.takeNearNewest(2 * this.#limits.maxPackets);
    this.#strays.dropped += count - packets.length;
    const inOrder = ascending(packets);
    const [first] = inOrder;
    if (first === undefined) return;
    this.begin(first);
    for (const packet of inOrder) this.#place(packet);
    this.#window.orderByArrival(packets);
  }
}
