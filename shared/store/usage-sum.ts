import type { ChannelId, Minute } from '../ids.ts';
import type { ChannelUsage } from './store.ts';

/** Adds up the rows of a user as they come, page by page: what is kept grows with the channels, not with the rows. */
export class UsageSum {
  readonly #from: Minute;
  readonly #channels = new Map<ChannelId, { firstMs: number; laterMs: number }>();

  /** Rows of minutes before `from` do not count. */
  constructor(from: Minute) {
    this.#from = from;
  }

  add(minute: Minute, channelId: ChannelId, deliveredMs: number): void {
    if (minute < this.#from) return;
    if (minute === this.#from) this.#of(channelId).firstMs += deliveredMs;
    else this.#of(channelId).laterMs += deliveredMs;
  }

  /** Takes what another page came to. */
  addAll(page: readonly ChannelUsage[]): void {
    for (const { channelId, firstMs, laterMs } of page) {
      const sum = this.#of(channelId);
      sum.firstMs += firstMs;
      sum.laterMs += laterMs;
    }
  }

  get channels(): ChannelUsage[] {
    return [...this.#channels].map(([channelId, sum]) => ({ channelId, ...sum }));
  }

  #of(channelId: ChannelId): { firstMs: number; laterMs: number } {
    const known = this.#channels.get(channelId);
    if (known !== undefined) return known;
    const sum = { firstMs: 0, laterMs: 0 };
    this.#channels.set(channelId, sum);
    return sum;
  }
}
