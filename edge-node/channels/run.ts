import { PACKET_OVERHEAD_BYTES, RUN_MAX_BYTES } from '../../shared/limits.ts';
import type { PacketView } from '../ordering/packet-view.ts';
import { firstIndex } from './binary-search.ts';

/**
 * How runs are cut now: as set while the node is idle, larger and later by one factor as it gets busy. The channel
 * directory moves them; logs and timers look at them anew each time.
 */
export class RunLimits {
  readonly #idlePackets: number;
  readonly #idleLingerMs: number;
  #packets: number;
  #lingerMs: number;

  constructor(idlePackets: number, idleLingerMs: number) {
    this.#idlePackets = idlePackets;
    this.#idleLingerMs = idleLingerMs;
    this.#packets = idlePackets;
    this.#lingerMs = idleLingerMs;
  }

  get packets(): number {
    return this.#packets;
  }

  get lingerMs(): number {
    return this.#lingerMs;
  }

  setLoad(factor: number): void {
    this.#packets = Math.round(this.#idlePackets * factor);
    this.#lingerMs = this.#idleLingerMs * factor;
  }
}

/** The log that a run belongs to, as whoever is short of memory sees it. */
export interface RunOwner {
  /** Drops the oldest closed run of the log, and gives its memory back. */
  dropOldest(): void;
  /** A holder of the run with this index, one of its `pins`, lets go of it. */
  unpin(index: number): void;
  /** Cuts off the users whose writes hold a run that the log has dropped. */
  cutOff(run: Run): void;
}

/** Where a run lies in its log. */
interface RunPlace {
  readonly index: number;
  readonly firstPacket: number;
  readonly firstByte: number;
}

/**
 * Consecutive in-order payloads of one channel in one Buffer. It grows while it is the log's open run; once closed
 * nobody writes to it, and every user of the channel is sent this very Buffer.
 */
export class Run {
  readonly owner: RunOwner;
  /** Place in the channel's log: runs count from 0. */
  readonly index: number;
  /** Ordinal of its first packet, and place of its first byte, among all that were appended to the log. */
  readonly firstPacket: number;
  readonly firstByte: number;
  readonly openedMs: number;
  readonly #space: Buffer<ArrayBuffer>;
  #used = 0;
  /** Where each payload begins in the run. */
  readonly #starts: number[] = [];
  /** Writes to users that are under way and hold it. */
  pins = 0;
  /** The payloads, once closed. */
  bytes: Buffer = EMPTY;
  closedMs = 0;
  // The order of all runs of all channels: LogBudget's.
  older: Run | undefined = undefined;
  newer: Run | undefined = undefined;

  constructor(owner: RunOwner, place: RunPlace, space: number, nowMs: number) {
    this.owner = owner;
    this.index = place.index;
    this.firstPacket = place.firstPacket;
    this.firstByte = place.firstByte;
    this.openedMs = nowMs;
    this.#space = Buffer.allocUnsafeSlow(space);
  }

  get packets(): number {
    return this.#starts.length;
  }

  get usedBytes(): number {
    return this.#used;
  }

  get isFull(): boolean {
    return this.#used >= RUN_MAX_BYTES;
  }

  /** What it holds in memory. */
  get costBytes(): number {
    return this.#space.length + this.packets * PACKET_OVERHEAD_BYTES;
  }

  hasRoom(payloadBytes: number): boolean {
    return this.#used + payloadBytes <= this.#space.length;
  }

  append({ bytes, start, end }: PacketView): void {
    this.#starts.push(this.#used);
    bytes.copy(this.#space, this.#used, start, end);
    this.#used += end - start;
  }

  /** Ordinal of the first packet that begins at `offset` or after it: of the next run's, where none does. */
  packetFrom(offset: number): number {
    return this.firstPacket + firstIndex(this.#starts.length, (at) => this.#start(at) >= offset);
  }

  close(nowMs: number): void {
    this.bytes = this.#space.subarray(0, this.#used);
    this.closedMs = nowMs;
  }

  /**
   * Gives its memory back now, and not when garbage is next collected: V8 would let tens of megabytes gather. Nobody
   * may read it any more, and no write may hold it.
   */
  release(): void {
    this.#space.buffer.transfer(0);
  }

  #start(index: number): number {
    return this.#starts[index] ?? this.#used;
  }
}

const EMPTY = Buffer.alloc(0);
