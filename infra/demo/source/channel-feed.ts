import { encodePacket } from '../../../edge-node/source/packet.ts';
import { Disorder, type DisorderOptions } from './disorder.ts';

export interface FeedOptions extends DisorderOptions {
  readonly channelId: string;
  /** Where the sequence is set anew: packet number of the feed, and the sequence it gets. Zero is a restart. */
  readonly turns: ReadonlyMap<number, bigint>;
}

/** What one run of ascending sequences held. Sequences are decimal digits: they may pass 2^53. */
export interface EpochReport {
  readonly first: string;
  /** From the first to the last, those left out too. */
  readonly packets: number;
  readonly lost: readonly string[];
  readonly duplicates: number;
}

interface Numbered {
  readonly sequence: bigint;
  readonly wire: Buffer;
}

interface Epoch {
  readonly first: bigint;
  readonly disorder: Disorder<Numbered>;
  packets: number;
}

/** One channel on 9110: numbers payloads, and lets them out as the network would. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #ended: Epoch[] = [];
  #epoch: Epoch;
  #pushed = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#epoch = this.#begin(options.turns.get(0) ?? 0n);
  }

  get channelId(): string {
    return this.#options.channelId;
  }

  /** Takes the channel's next payload, and returns the packets that go out now. */
  push(payload: Uint8Array): Buffer[] {
    const turn = this.#pushed === 0 ? undefined : this.#options.turns.get(this.#pushed);
    const rest = turn === undefined ? [] : this.flush();
    if (turn !== undefined) {
      this.#ended.push(this.#epoch);
      this.#epoch = this.#begin(turn);
    }
    const sequence = BigInt.asUintN(64, this.#epoch.first + BigInt(this.#epoch.packets));
    const wire = encodePacket(this.#options.channelId, sequence, payload);
    this.#pushed += 1;
    this.#epoch.packets += 1;
    return [...rest, ...this.#epoch.disorder.push({ sequence, wire }).map((out) => out.wire)];
  }

  /** What was still to come. */
  flush(): Buffer[] {
    return this.#epoch.disorder.flush().map(({ wire }) => wire);
  }

  /** All epochs, the current one last. */
  report(): EpochReport[] {
    return [...this.#ended, this.#epoch].map(({ first, packets, disorder }) => ({
      first: String(first),
      packets,
      lost: disorder.lost.map(({ sequence }) => String(sequence)),
      duplicates: disorder.duplicates,
    }));
  }

  #begin(first: bigint): Epoch {
    return { first, packets: 0, disorder: new Disorder(this.#options) };
  }
}
