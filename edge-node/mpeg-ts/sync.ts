import { SYNC_BYTE, TS_PACKET_BYTES } from './ts-packet.ts';

/**
 * From one packet's start to the next one's: as ISO/IEC 13818-1 has it; with four bytes before each (Blu-ray, M2TS);
 * with sixteen behind each for their correction (DVB).
 */
const STRIDES: readonly number[] = [TS_PACKET_BYTES, 192, 204];
/** So many sync bytes in their places prove where packets begin (ETSI TR 101 290, 5.2.1). */
const SYNC_PACKETS = 5;
/** Holds more than the widest stride needs for its proof. */
const HELD_BYTES = 1024;

/** The stride while it is not known where packets begin. */
const NONE = 0;

/** A packet's bytes begin at `at` and are valid during the call; `streamAt` is where it began in the stream. */
export type OnPacket = (bytes: Buffer, at: number, streamAt: number) => void;

/**
 * Finds the packets in a stream of bytes that comes in pieces of any size. Alignment is the stream's: a packet may
 * lie across pieces, bytes that belong to none are passed over, and each packet is handed on once, in order.
 *
 *     hunting ──5 sync bytes, one stride apart──▶ following
 *        ▲                                           │
 *        └──────no sync byte where one is due────────┘
 *
 * Invariants: `#held` holds the stream's bytes from `#heldAt` on that are not handled yet: while hunting those that
 * may begin a packet, while following the beginning of one. Nothing else of a piece is kept, and nothing is allocated.
 */
export class PacketSync {
  readonly #onPacket: OnPacket;
  readonly #held = Buffer.alloc(HELD_BYTES);
  #heldBytes = 0;
  #heldAt = 0;
  #stride = NONE;
  /** Bytes between packets that are still to come. */
  #gap = 0;
  #streamBytes = 0;

  constructor(onPacket: OnPacket) {
    this.#onPacket = onPacket;
  }

  /** Whether packets are found where they are due. */
  get isFollowing(): boolean {
    return this.#stride !== NONE;
  }

  /** Bytes from one packet to the next; 0 while hunting, and so never while a packet is handed on. */
  get strideBytes(): number {
    return this.#stride;
  }

  /** Bytes taken so far: where the next piece begins in the stream. */
  get streamBytes(): number {
    return this.#streamBytes;
  }

  push(bytes: Buffer, start: number, end: number): void {
    const base = this.#streamBytes - start;
    this.#streamBytes += end - start;
    let at = start;
    while (at < end) {
      at = this.isFollowing ? this.#follow(bytes, at, end, base) : this.#hunt(bytes, at, end, base);
    }
  }

  /** Hands on packets until the piece ends, or a sync byte is missing. Returns where the rest begins. */
  #follow(bytes: Buffer, start: number, end: number, base: number): number {
    let at = start + this.#gap;
    if (this.#heldBytes > 0) {
      const part = Math.min(TS_PACKET_BYTES - this.#heldBytes, end - start);
      bytes.copy(this.#held, this.#heldBytes, start, start + part);
      this.#heldBytes += part;
      if (this.#heldBytes < TS_PACKET_BYTES) return end;
      this.#heldBytes = 0;
      this.#onPacket(this.#held, 0, this.#heldAt);
      at = start + part + this.#stride - TS_PACKET_BYTES;
    }
    for (; at + TS_PACKET_BYTES <= end; at += this.#stride) {
      if (bytes[at] !== SYNC_BYTE) return this.#lose(at);
      this.#onPacket(bytes, at, base + at);
    }
    if (at < end && bytes[at] !== SYNC_BYTE) return this.#lose(at);
    this.#gap = Math.max(0, at - end);
    if (at < end) this.#hold(bytes, at, end, base + at);
    return end;
  }

  #lose(at: number): number {
    this.#stride = NONE;
    this.#gap = 0;
    return at;
  }

  #hold(bytes: Buffer, from: number, end: number, streamAt: number): void {
    if (this.#heldBytes === 0) this.#heldAt = streamAt;
    bytes.copy(this.#held, this.#heldBytes, from, end);
    this.#heldBytes += end - from;
  }

  /** Looks for packets in what is held and as much more as there is room for. Returns where the rest begins. */
  #hunt(bytes: Buffer, start: number, end: number, base: number): number {
    const taken = Math.min(end, start + HELD_BYTES - this.#heldBytes);
    this.#hold(bytes, start, taken, base + start);
    let from = this.#nextSyncByte(0);
    while (from < this.#heldBytes) {
      const stride = this.#strideFrom(from);
      if (stride === undefined) break; // more is needed to tell
      if (stride !== NONE) {
        this.#stride = stride;
        this.#found(from);
        return taken;
      }
      from = this.#nextSyncByte(from + 1);
    }
    this.#dropHeld(from);
    return taken;
  }

  /** Index of the first held sync byte at or after `from`, or of the end of what is held. */
  #nextSyncByte(from: number): number {
    const index = this.#held.indexOf(SYNC_BYTE, from);
    return index === -1 ? this.#heldBytes : Math.min(index, this.#heldBytes);
  }

  /** At which distances sync bytes follow the one at `from`: undefined while what is held does not tell. */
  #strideFrom(from: number): number | undefined {
    let undecided = false;
    for (const stride of STRIDES) {
      let packet = 1;
      let at = from + stride;
      while (packet < SYNC_PACKETS && at < this.#heldBytes && this.#held[at] === SYNC_BYTE) {
        packet += 1;
        at += stride;
      }
      if (packet === SYNC_PACKETS) return stride;
      if (at >= this.#heldBytes) undecided = true;
    }
    return undecided ? undefined : NONE;
  }

  /** Hands on the packets that are held whole, from `from` on, and keeps the one that has begun. */
  #found(from: number): void {
    let at = from;
    for (; at + TS_PACKET_BYTES <= this.#heldBytes; at += this.#stride) {
      if (this.#held[at] !== SYNC_BYTE) break;
      this.#onPacket(this.#held, at, this.#heldAt + at);
    }
    if (at < this.#heldBytes && this.#held[at] !== SYNC_BYTE) this.#lose(at);
    this.#gap = Math.max(0, at - this.#heldBytes);
    this.#dropHeld(at);
  }

  /** Drops what is held before `index`. */
  #dropHeld(index: number): void {
    const left = Math.max(0, this.#heldBytes - index);
    if (left > 0) this.#held.copyWithin(0, index, this.#heldBytes);
    this.#heldAt += index;
    this.#heldBytes = left;
  }
}
