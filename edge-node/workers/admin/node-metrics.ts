import { type Aggregator, AggregatorRegistry, type Registry } from 'prom-client';
import type { Clock } from '../../../shared/clock.ts';
import type { HttpListener } from '../../../shared/http/http-listener.ts';
import { createRegistry } from '../../../shared/metrics/registry.ts';
import { channelTableText } from '../../admin/channel-metrics.ts';
import { histogramsText } from '../../admin/histogram-metrics.ts';
import { adminMetrics } from '../../admin/metrics.ts';
import type { MetricsJson, WorkerMetrics } from '../../admin/worker-metrics.ts';
import type { WorkerProcess } from '../worker-process.ts';
import { sumOfHistograms, sumOfTables } from './sums.ts';
import type { SupervisorView } from './supervisor-view.ts';

interface NodeMetricsParts {
  readonly supervisor: SupervisorView;
  readonly listener: HttpListener;
  readonly clock: Clock;
  readonly droppedLogLines: () => number;
}

/** What is not the sum of what the workers say. */
const NOT_SUMMED: Readonly<Record<string, Aggregator>> = {
  streaming_source_connected: 'min',
  streaming_source_packet_age_seconds: 'max',
  streaming_source_up: 'min',
  streaming_source_silent_seconds: 'max',
  streaming_feed_known_channels: 'max',
  streaming_feed_relays: 'min',
  streaming_channels: 'max',
  streaming_load_factor: 'max',
  streaming_users_max: 'max',
  streaming_delivery_share: 'max',
  streaming_delivery_lag_seconds: 'max',
  streaming_store_reachable: 'min',
  streaming_tls_certificate_expires_timestamp_seconds: 'min',
  streaming_tls_certificate_unusable: 'max',
  streaming_usage_oldest_pending_seconds: 'max',
  streaming_usage_spool_writable: 'min',
  nodejs_eventloop_lag_seconds: 'max',
  nodejs_eventloop_lag_max_seconds: 'max',
  nodejs_eventloop_lag_p50_seconds: 'max',
  nodejs_eventloop_lag_p90_seconds: 'max',
  nodejs_eventloop_lag_p99_seconds: 'max',
};

/**
 * /metrics of a node: what its workers say, and its supervisor, put together by prom-client, which sums. What workers had
 * counted that have ended goes on being part of the sums, as they last told it: a sum that fell would look like a restart
 * of the node, and all of it would be counted again.
 */
export class NodeMetrics {
  readonly #parts: NodeMetricsParts;
  readonly #own: Registry;
  #ended: WorkerMetrics | undefined;
  /** The workers whose counters are part of that. */
  readonly #added = new WeakSet<WorkerProcess>();
  #ending: Promise<void> = Promise.resolve();

  constructor(parts: NodeMetricsParts) {
    this.#parts = parts;
    const { supervisor, listener, droppedLogLines } = parts;
    const { registry, counter, gauge } = createRegistry();
    this.#own = registry;
    adminMetrics(listener, counter, gauge);
    counter(
      'log_lines_dropped_total',
      'Log lines that were dropped since nobody read them in time',
      [],
      droppedLogLines,
    );
    gauge('workers', 'Workers that take users', [], () =>
      supervisor.workers.reduce((sum, { state }) => sum + (state === 'serving' ? 1 : 0), 0),
    );
    gauge('worker_users', 'Users of a worker', ['worker'], () =>
      supervisor.workers.map((worker) => {
        return [{ worker: String(worker.number) }, supervisor.usersOf(worker)] as const;
      }),
    );
    counter(
      'worker_ends_total',
      'Workers that ended without having been told to, and were started again',
      [],
      () => supervisor.ends,
    );
  }

  get contentType(): string {
    return this.#own.contentType;
  }

  async page(): Promise<Buffer> {
    const { supervisor, clock } = this.#parts;
    await this.#ending;
    const own = await this.#own.getMetricsAsJSON();
    const asked = supervisor.workers.map(async (worker) => {
      const metrics = await worker.metrics();
      return metrics === undefined ? [] : [{ worker, metrics }];
    });
    const answers = (await Promise.all(asked)).flat();
    // Whoever has died meanwhile is part of the one or of the other.
    const ended = this.#ended;
    const told = answers
      .filter(({ worker }) => !this.#added.has(worker))
      .map(({ metrics }) => metrics);
    const all = ended === undefined ? told : [...told, ended];
    const node = summed([own, ...all.map((metrics) => metrics.node)]);
    const channels = await sumOfTables(
      told.map((metrics) => metrics.channels),
      ended?.channels,
      clock,
    );
    return Buffer.concat([
      Buffer.from(await node.metrics()),
      histogramsText(sumOfHistograms(all.map(({ histograms }) => histograms))),
      ...(await channelTableText(channels, clock)),
    ]);
  }

  workerEnded(worker: WorkerProcess): void {
    const { lastMetrics } = worker;
    if (lastMetrics === undefined) return;
    this.#ending = this.#ending.then(() => this.#add(worker, lastMetrics));
  }

  async #add(worker: WorkerProcess, last: WorkerMetrics): Promise<void> {
    const before = this.#ended;
    const counted = { ...last, node: last.node.filter(isCounted) };
    const all = before === undefined ? [counted] : [before, counted];
    const sum = {
      node: await summed(all.map(({ node }) => node)).getMetricsAsJSON(),
      histograms: sumOfHistograms(all.map(({ histograms }) => histograms)),
      channels: await sumOfTables(
        all.map(({ channels }) => channels),
        undefined,
        this.#parts.clock,
      ),
    };
    this.#ended = sum;
    this.#added.add(worker);
  }
}

function summed(all: readonly MetricsJson[]): Registry {
  const withAggregators = all.map((metrics) =>
    metrics.map((metric) => ({
      ...metric,
      aggregator: NOT_SUMMED[metric.name] ?? metric.aggregator,
    })),
  );
  return AggregatorRegistry.aggregate(withAggregators);
}

function isCounted({ type }: MetricsJson[number]): boolean {
  return ['counter', 'histogram'].includes(String(type));
}
