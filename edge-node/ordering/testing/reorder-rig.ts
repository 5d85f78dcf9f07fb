import { HELD_PACKET_OVERHEAD_BYTES } from '../../../shared/limits.ts';
import { ReorderBuffer } from '../reorder-buffer.ts';
import type { ReorderLimits } from '../reorder-contract.ts';
import { ahead, plus } from './circle.ts';
import { packetOf, payloadOf } from './packets.ts';

const FAR_KEPT = 16;

export const LIMITS: ReorderLimits = {
  maxPackets: 16,
  maxBytes: 1024 * 1024,
  deadlineMs: 1000,
  settleMs: 200,
};

export interface Delivery {
  readonly sequence: bigint;
  /** Number of the push that brought the packet, from 0. */
  readonly push: number;
  readonly pushedMs: number;
  readonly atMs: number;
}

/**
 * A reorder buffer under a clock and a source of its own. Each payload carries its sequence and the number of its
 * push; the memory a packet is pushed from is overwritten at once, and what must hold at any time is looked at after
 * each step.
 */
export class ReorderRig {
  readonly buffer: ReorderBuffer;
  /** Delivered packets, one list per epoch: those delivered while as many jumps and restarts were counted. */
  readonly epochs: Delivery[][] = [];
  readonly #limits: ReorderLimits;
  readonly #pushes: { sequence: bigint; bytes: number; atMs: number }[] = [];
  #deliveredCount = 0;
  #nowMs = 0;

  constructor(limits: Partial<ReorderLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
    this.buffer = new ReorderBuffer(this.#limits, {
      deliver: (packet) => this.#deliver(payloadOf(packet)),
    });
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get delivered(): Delivery[] {
    return this.epochs.flat();
  }

  get sequences(): bigint[] {
    return this.delivered.map((delivery) => delivery.sequence);
  }

  /** Missing between the first and the last delivered of each epoch. */
  get missing(): number {
    return this.epochs.reduce((sum, epoch) => {
      const [first, last] = [epoch[0], epoch[epoch.length - 1]];
      return first && last
        ? sum + Number(ahead(first.sequence, last.sequence)) + 1 - epoch.length
        : sum;
    }, 0);
  }

  push(sequence: bigint, payloadBytes = 20): void {
    const memory = Buffer.alloc(payloadBytes + 12, 0xee);
    payload(sequence, this.#pushes.length, payloadBytes).copy(memory, 5);
    this.#pushes.push({ sequence, bytes: payloadBytes, atMs: this.#nowMs });
    const packet = packetOf(memory, sequence, this.#nowMs);
    packet.start = 5;
    packet.end = 5 + payloadBytes;
    this.buffer.push(packet);
    memory.fill(0xdd);
    this.#check();
  }

  pushAll(sequences: Iterable<bigint>): void {
    for (const sequence of sequences) this.push(sequence);
  }

  handOnAll(): void {
    this.buffer.handOnAll();
    this.#check();
  }

  connect(): void {
    this.buffer.sourceConnected();
    this.#check();
  }

  /** Lets time go by; the buffer is called whenever it is due. */
  pass(ms: number): void {
    const until = this.#nowMs + ms;
    while (this.buffer.dueMs <= until) {
      const due = this.buffer.dueMs;
      this.#nowMs = Math.max(this.#nowMs, due);
      this.buffer.expire(this.#nowMs);
      this.#check();
      if (this.buffer.dueMs <= this.#nowMs) throw new Error('expire at dueMs left something due');
    }
    this.#nowMs = until;
  }

  /** Lets time go by while nobody calls the buffer, as in a process that is held up. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }

  /** Lets time go by until the buffer waits for nothing any more. */
  drain(): void {
    while (this.buffer.dueMs !== Infinity) this.pass(Math.max(0, this.buffer.dueMs - this.#nowMs));
  }

  #deliver(bytes: Buffer): void {
    const push = bytes.length >= 12 ? bytes.readUInt32BE(8) : -1;
    const pushed = this.#pushes[push];
    if (!pushed)
      throw new Error(`delivered bytes that were never pushed: ${bytes.toString('hex')}`);
    const whole = payload(pushed.sequence, push, pushed.bytes);
    if (!bytes.equals(whole)) throw new Error(`payload of push ${push} was changed`);
    const { sequence, atMs } = pushed;
    const { jumps, restarts } = this.buffer.counters;
    while (this.epochs.length <= jumps + restarts) this.epochs.push([]);
    const epoch = this.epochs[jumps + restarts] ?? [];
    const before = epoch.at(-1)?.sequence;
    if (before !== undefined && ahead(before, sequence) <= 0n) {
      throw new Error(`delivered ${sequence} after ${before} in one epoch`);
    }
    epoch.push({ sequence, push, pushedMs: atMs, atMs: this.#nowMs });
    this.#deliveredCount += 1;
  }

  /** What holds after every step. Plain comparisons: this runs some million times. */
  #check(): void {
    const { counters, heldPackets, heldBytes } = this.buffer;
    const { received, ordered, late, stray } = counters;
    const wrong = [
      received !== this.#pushes.length && 'received',
      ordered !== this.#deliveredCount && 'ordered',
      received !== ordered + late + stray + heldPackets && 'received is not the sum of the rest',
      heldBytes > this.#limits.maxBytes && 'more held bytes than allowed',
      heldBytes < heldPackets * HELD_PACKET_OVERHEAD_BYTES && 'held bytes without overhead',
      heldPackets === 0 && heldBytes !== 0 && 'bytes held by nothing',
      // One window held, as many kept aside, and the candidates for a jump.
      heldPackets > 2 * this.#limits.maxPackets + FAR_KEPT && 'more held packets than allowed',
    ].filter((problem) => problem !== false);
    if (wrong.length === 0) return;
    throw new Error(`${wrong}: ${JSON.stringify({ ...counters, heldPackets, heldBytes })}`);
  }
}

/** A rig on its first connection that has delivered 1000 up to `expected` - 1. */
export function settledUpTo(expected: bigint, limits: Partial<ReorderLimits> = {}): ReorderRig {
  const rig = new ReorderRig(limits);
  rig.connect();
  rig.push(1000n);
  rig.pass(LIMITS.settleMs);
  rig.pushAll(range(1001n, Number(expected) - 1001));
  return rig;
}

export function range(from: bigint, count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => plus(from, BigInt(i)));
}

/** Payload of any length from 12 bytes on: its sequence, the number of its push, then bytes that depend on both. */
function payload(sequence: bigint, push: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeBigUInt64BE(sequence, 0);
  bytes.writeUInt32BE(push, 8);
  for (let at = 12; at < length; at += 1) bytes[at] = (push * 7 + at) & 0xff;
  return bytes;
}
