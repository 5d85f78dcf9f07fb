import type { Registry } from 'prom-client';
import { type ChannelTable, channelTable } from './channel-metrics.ts';
import type { EdgeView } from './edge-view.ts';
import { type HistogramFigures, histogramFigures } from './histogram-metrics.ts';
import { createMetrics } from './metrics.ts';

/** Metrics as prom-client hands them from one process to another. */
export type MetricsJson = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** The metrics of one worker, for its supervisor to sum. */
export interface WorkerMetrics {
  readonly node: MetricsJson;
  readonly histograms: readonly HistogramFigures[];
  readonly channels: ChannelTable;
}

/** Reads the metrics of a worker. */
export function workerMetricsReader(view: EdgeView): () => Promise<WorkerMetrics> {
  const registry = createMetrics(view);
  return async () => ({
    node: await registry.getMetricsAsJSON(),
    histograms: histogramFigures(view),
    channels: await channelTable(view.channels.channels, view.clock),
  });
}
