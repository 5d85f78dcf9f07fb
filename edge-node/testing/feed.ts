import { encodePacket } from '../source/packet.ts';

/** A packet of a feed, on the wire and as its users must get it. */
export interface FeedPacket {
  readonly sequence: bigint;
  readonly payload: Buffer;
  readonly wire: Buffer;
}

interface FeedOptions {
  readonly first?: bigint;
  readonly payloadBytes?: number;
  /** Tells the payloads of one life of a source from those of another. */
  readonly life?: number;
}

/** One channel as its source makes it: each payload is of its own sequence, and differs from any other. */
export class Feed {
  readonly channel: string;
  readonly made: FeedPacket[] = [];
  readonly #payloadBytes: number;
  readonly #life: number;
  #next: bigint;

  constructor(channel: string, { first = 0n, payloadBytes = 188, life = 0 }: FeedOptions = {}) {
    this.channel = channel;
    this.#next = first;
    this.#payloadBytes = payloadBytes;
    this.#life = life;
  }

  make(count: number): FeedPacket[] {
    return this.carry(
      Array.from({ length: count }, (_, i) => this.#payload(this.#next + BigInt(i))),
    );
  }

  /** Packets with these payloads. */
  carry(payloads: readonly Buffer[]): FeedPacket[] {
    const packets = payloads.map((payload, i) => this.#packet(this.#next + BigInt(i), payload));
    this.#next += BigInt(packets.length);
    this.made.push(...packets);
    return packets;
  }

  /** Makes packets that nobody will ever send. */
  leaveOut(count: number): void {
    this.#next += BigInt(count);
  }

  /** All payloads so far. */
  get bytes(): Buffer {
    return bytesOf(this.made);
  }

  #payload(sequence: bigint): Buffer {
    const payload = Buffer.alloc(this.#payloadBytes, `${this.channel}.${this.#life}.${sequence} `);
    payload.writeBigUInt64BE(sequence);
    return payload;
  }

  #packet(sequence: bigint, payload: Buffer): FeedPacket {
    return { sequence, payload, wire: encodePacket(this.channel, sequence, payload) };
  }
}

export function bytesOf(packets: readonly FeedPacket[]): Buffer {
  return Buffer.concat(packets.map(({ payload }) => payload));
}

export function wireOf(packets: readonly FeedPacket[]): Buffer {
  return Buffer.concat(packets.map(({ wire }) => wire));
}
