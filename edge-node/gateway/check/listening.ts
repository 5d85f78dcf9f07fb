import { EntryFinder } from '../../mpeg-ts/entries/entry-finder.ts';
import type { StreamSink } from '../slicing/stream-sink.ts';

/** Times of something that happens again and again. */
class Beats {
  #first = 0;
  #last = 0;
  count = 0;

  add(nowMs: number): void {
    if (this.count === 0) this.#first = nowMs;
    this.#last = nowMs;
    this.count += 1;
  }

  /** Mean time from one to the next; 0 where fewer than two came. */
  get intervalMs(): number {
    return this.count < 2 ? 0 : (this.#last - this.#first) / (this.count - 1);
  }
}

/** What can be told of a stream by listening to it, at its own pace. */
export class Listening implements StreamSink {
  readonly #finder = new EntryFinder();
  #keyAt = this.#finder.begun.at;
  readonly pcrs = new Beats();
  readonly keyPictures = new Beats();
  losses = 0;
  firstMs: number | undefined;
  #lastMs = 0;
  /** But for those of the last arrival, whose time is still to come. */
  #bytes = 0;
  #newestBytes = 0;

  get bitsPerSecond(): number {
    const heardMs = this.#lastMs - (this.firstMs ?? 0);
    return heardMs === 0 ? 0 : (this.#bytes * 8 * 1000) / heardMs;
  }

  bytes(bytes: Buffer, start: number, end: number, nowMs: number): void {
    this.firstMs ??= nowMs;
    if (nowMs !== this.#lastMs) {
      this.#bytes += this.#newestBytes;
      this.#newestBytes = 0;
    }
    this.#newestBytes += end - start;
    this.#lastMs = nowMs;
    this.#finder.push(bytes, start, end);
    const { at, isSound } = this.#finder.begun;
    if (at !== this.#keyAt && !isSound) this.keyPictures.add(nowMs);
    this.#keyAt = at;
  }

  pcr(_ticks: number, nowMs: number): void {
    this.pcrs.add(nowMs);
  }

  loss(): void {
    this.losses += 1;
  }
}
