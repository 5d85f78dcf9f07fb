import { randomInt } from 'node:crypto';
import type { ChannelId } from '../../../shared/ids.ts';
import { encodePacket, HEADER_BYTES, writeHeader } from '../../source/packet.ts';
import type { SlotSink } from '../slicing/slicer.ts';
import type { FeedServer } from './feed-server.ts';

interface Delayed {
  readonly dueMs: number;
  readonly packets: Buffer;
  readonly count: number;
}

/**
 * Makes one channel's packets of its slots. Numbered by the stream's clock, two gateways that hear the same stream make
 * the same packets; suspect ones go out later, so that the other's whole ones are there first. Else numbers go on without
 * a gap from a random multiple of 2^32: those of two gateways, or of one before and after a restart, never meet in a
 * window.
 */
export class ChannelFeed implements SlotSink {
  readonly #channelId: ChannelId;
  readonly #server: FeedServer;
  readonly #suspectDelayMs: number;
  #isByClock = false;
  #next = BigInt(randomInt(1, 2 ** 32)) << 32n;
  readonly #delayed: Delayed[] = [];
  #timer: NodeJS.Timeout | undefined;
  packets = 0;
  bytes = 0;
  /** Suspect slots that were held back for SUSPECT_DELAY_MS. */
  delayedSlots = 0;

  constructor(channelId: ChannelId, server: FeedServer, suspectDelayMs: number) {
    this.#channelId = channelId;
    this.#server = server;
    this.#suspectDelayMs = suspectDelayMs;
  }

  /** Whether the next slots are numbered by the stream's clock. */
  numberByClock(isByClock: boolean): void {
    this.#isByClock = isByClock;
  }

  slot(slot: number, payload: Buffer, bytes: number, isSuspect: boolean): void {
    const sequence = this.#sequences(slot, 1);
    this.bytes += bytes;
    this.#send(encodePacket(this.#channelId, sequence, payload.subarray(0, bytes)), 1, isSuspect);
  }

  emptySlots(first: number, count: number, isSuspect: boolean): void {
    const packets = Buffer.allocUnsafe(count * HEADER_BYTES);
    const sequence = this.#sequences(first, count);
    for (let step = 0; step < count; step += 1) {
      writeHeader(packets, step * HEADER_BYTES, this.#channelId, sequence + BigInt(step), 0);
    }
    this.#send(packets, count, isSuspect);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /** The sequence of the first of `count` packets. */
  #sequences(slot: number, count: number): bigint {
    if (this.#isByClock) return BigInt(slot);
    const first = this.#next;
    this.#next = BigInt.asUintN(64, first + BigInt(count));
    return first;
  }

  #send(packets: Buffer, count: number, isSuspect: boolean): void {
    this.packets += count;
    if (!isSuspect || !this.#isByClock) {
      this.#server.send(packets, count);
      return;
    }
    this.delayedSlots += count;
    const dueMs = performance.now() + this.#suspectDelayMs;
    this.#delayed.push({ dueMs, packets, count });
    this.#timer ??= setTimeout(() => this.#sendDue(), this.#suspectDelayMs);
  }

  #sendDue(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (let next = this.#delayed[0]; next !== undefined; next = this.#delayed[0]) {
      if (next.dueMs > nowMs) {
        this.#timer = setTimeout(() => this.#sendDue(), Math.ceil(next.dueMs - nowMs));
        return;
      }
      this.#delayed.shift();
      this.#server.send(next.packets, next.count);
    }
  }
}
