import type { ChannelId } from '../../shared/ids.ts';
import { DIRECTORY_KEEP_MS } from '../../shared/limits.ts';
import type { ChannelRate, DirectoryMessage } from './directory-message.ts';

interface Known {
  rate: ChannelRate;
  toldMs: number;
}

/** What relays tell: every channel that one of them has. */
export class KnownChannels {
  readonly #maxChannels: number;
  readonly #channels = new Map<ChannelId, Known>();

  constructor(maxChannels: number) {
    this.#maxChannels = maxChannels;
  }

  get ids(): Iterable<ChannelId> {
    return this.#channels.keys();
  }

  get size(): number {
    return this.#channels.size;
  }

  has(id: ChannelId): boolean {
    return this.#channels.has(id);
  }

  told({ channels }: DirectoryMessage, nowMs: number): void {
    for (const [id, rate] of channels) {
      const known = this.#channels.get(id);
      if (known !== undefined) {
        known.rate = rate;
        known.toldMs = nowMs;
      } else if (this.#channels.size < this.#maxChannels) {
        this.#channels.set(id, { rate, toldMs: nowMs });
      }
    }
  }

  /** All are as new as if they had been told just now: nobody could tell them before. */
  heardAgain(nowMs: number): void {
    for (const known of this.#channels.values()) known.toldMs = nowMs;
  }

  /** Forgets what nobody has told for DIRECTORY_KEEP_MS. Call it every second, while relays can be heard. */
  sweep(nowMs: number): void {
    const oldestMs = nowMs - DIRECTORY_KEEP_MS;
    for (const [id, { toldMs }] of this.#channels) if (toldMs < oldestMs) this.#channels.delete(id);
  }
}
