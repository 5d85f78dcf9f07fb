import type { Clock } from '../../../shared/clock.ts';
import { CHANNEL_METRICS, type ChannelTable } from '../../admin/channel-metrics.ts';
import type { HistogramFigures } from '../../admin/histogram-metrics.ts';
import { inSlices } from '../../channels/in-slices.ts';

/** The histograms of several processes together, in the same order. */
export function sumOfHistograms(all: readonly (readonly HistogramFigures[])[]): HistogramFigures[] {
  const [first = [], ...others] = all;
  return others.reduce<HistogramFigures[]>(
    (sums, figures) =>
      sums.map(({ counts, sumMs }, at) => ({
        counts: counts.map((count, bucket) => count + (figures[at]?.counts[bucket] ?? 0)),
        sumMs: sumMs + (figures[at]?.sumMs ?? 0),
      })),
    [...first],
  );
}

/**
 * The channels' metrics of several workers together. Of those that have ended only counters are left, and only of
 * channels that others have still.
 */
export async function sumOfTables(
  tables: readonly ChannelTable[],
  ended: ChannelTable | undefined,
  clock: Clock,
): Promise<ChannelTable> {
  const rows = new Map<string, Sum[]>();
  for (const { channels, columns } of tables) {
    await inSlices(channels.entries(), clock, ([row, channel]) => {
      let sums = rows.get(channel);
      if (sums === undefined) {
        sums = CHANNEL_METRICS.map(() => new Sum());
        rows.set(channel, sums);
      }
      for (const [at, sum] of sums.entries()) sum.add(columns[at]?.[row]);
    });
  }
  if (ended !== undefined) {
    await inSlices(ended.channels.entries(), clock, ([row, channel]) => {
      for (const [at, sum] of rows.get(channel)?.entries() ?? []) {
        if (CHANNEL_METRICS[at]?.kind === 'counter') sum.add(ended.columns[at]?.[row]);
      }
    });
  }
  return {
    channels: [...rows.keys()],
    columns: CHANNEL_METRICS.map(({ together }, at) =>
      [...rows.values()].map((sums) => sums[at]?.value(together) ?? null),
    ),
  };
}

/** Values of one metric and channel; some processes may have none. */
class Sum {
  #total = 0;
  #count = 0;

  add(value: number | null | undefined): void {
    if (value === null || value === undefined) return;
    this.#total += value;
    this.#count += 1;
  }

  value(together: 'sum' | 'mean'): number | null {
    if (this.#count === 0) return null;
    return together === 'sum' ? this.#total : this.#total / this.#count;
  }
}
