import { EntryFinder, NO_ENTRY } from '../mpeg-ts/entries/entry-finder.ts';
import type { PacketView } from '../ordering/packet-view.ts';

/** Where in a channel's stream of bytes a decoder can start, and the tables that it needs before. */
export interface EntryPoint {
  readonly at: number;
  readonly tables: Buffer;
}

/** Where users can begin in a log: what its packets carry decides. */
export interface Entries {
  readonly isTransportStream: boolean;
  /** A packet has been appended to the log. */
  push(packet: PacketView, nowMs: number): void;
  newestWhole(nowMs: number): EntryPoint | undefined;
  newestBegun(nowMs: number): EntryPoint | undefined;
}

/**
 * A channel's entry points and their age: the newest, and the newest whose picture has come whole, so that a user who
 * starts there sees a picture at once. One older than `maxAgeMs` is not used.
 */
export class EntryPoints implements Entries {
  readonly #maxAgeMs: number;
  readonly #finder = new EntryFinder();
  #begunAt = NO_ENTRY;
  #begunMs = 0;
  #wholeAt = NO_ENTRY;
  #wholeMs = 0;

  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs;
  }

  get isTransportStream(): boolean {
    return this.#finder.isTransportStream;
  }

  push({ bytes, start, end }: PacketView, nowMs: number): void {
    this.#finder.push(bytes, start, end);
    const { begun, whole } = this.#finder;
    if (whole.at !== this.#wholeAt) {
      this.#wholeMs = whole.at === this.#begunAt ? this.#begunMs : nowMs;
      this.#wholeAt = whole.at;
    }
    if (begun.at !== this.#begunAt) {
      this.#begunMs = nowMs;
      this.#begunAt = begun.at;
    }
  }

  newestWhole(nowMs: number): EntryPoint | undefined {
    return this.#isUsable(this.#wholeAt, this.#wholeMs, nowMs) ? this.#finder.whole : undefined;
  }

  newestBegun(nowMs: number): EntryPoint | undefined {
    return this.#isUsable(this.#begunAt, this.#begunMs, nowMs) ? this.#finder.begun : undefined;
  }

  #isUsable(at: number, sinceMs: number, nowMs: number): boolean {
    return at !== NO_ENTRY && nowMs - sinceMs <= this.#maxAgeMs;
  }
}
