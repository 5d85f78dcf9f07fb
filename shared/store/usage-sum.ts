import { type ChannelId, type Hour, hourOf, type Minute } from '../ids.ts';
import type { ChannelUsage } from './store.ts';

interface Sum {
  firstMs: number;
  laterMs: number;
}
type HourSums = Map<ChannelId, Sum>;

/**
 * Adds up the rows of a user page by page. Its memory grows with the hours and the channels watched in each, not with the
 * number of rows.
 */
export class UsageSum {
  #from: Minute;
  readonly #partly: Minute;
  readonly #hours = new Map<Hour, HourSums>();
  /** The hour of the last row: the next one mostly has the same, since engines keep rows by minute. */
  #hour: Hour | undefined;
  #sums: HourSums = new Map();

  /** Rows of minutes before `from` do not count. */
  constructor(from: Minute) {
    this.#from = from;
    this.#partly = from;
  }

  /** Rows that come from now on do not count, either, where they are of minutes before `minute`. */
  forgetBefore(minute: Minute): void {
    if (minute > this.#from) this.#from = minute;
  }

  add(minute: Minute, channelId: ChannelId, deliveredMs: number): void {
    if (minute < this.#from) return;
    const sum = this.#of(hourOf(minute), channelId);
    if (minute === this.#partly) sum.firstMs += deliveredMs;
    else sum.laterMs += deliveredMs;
  }

  /** Adds the sums of another page. */
  addAll(page: readonly ChannelUsage[]): void {
    for (const { hour, channelId, firstMs, laterMs } of page) {
      const sum = this.#of(hour, channelId);
      sum.firstMs += firstMs;
      sum.laterMs += laterMs;
    }
  }

  get channels(): ChannelUsage[] {
    return [...this.#hours].flatMap(([hour, sums]) =>
      [...sums].map(([channelId, sum]) => ({ hour, channelId, ...sum })),
    );
  }

  #of(hour: Hour, channelId: ChannelId): Sum {
    if (hour !== this.#hour) this.#turnTo(hour);
    const known = this.#sums.get(channelId);
    if (known !== undefined) return known;
    const sum = { firstMs: 0, laterMs: 0 };
    this.#sums.set(channelId, sum);
    return sum;
  }

  #turnTo(hour: Hour): void {
    this.#hour = hour;
    this.#sums = this.#hours.get(hour) ?? new Map();
    this.#hours.set(hour, this.#sums);
  }
}
