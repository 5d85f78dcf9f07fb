import type { Registry } from 'prom-client';
import { createRegistry, type Define } from '../../../shared/metrics/registry.ts';
import { mergeMetrics, sourceMetrics } from '../../admin/sources/source-metrics.ts';
import type { RelayView } from './relay-view.ts';

/** All metrics of a relay. */
export function createRelayMetrics(view: RelayView): Registry {
  const { registry, counter, gauge } = createRegistry();
  sourceMetrics(view, counter, gauge);
  mergeMetrics(view, counter);
  publishMetrics(view, counter, gauge);
  backlogMetrics(view, counter, gauge);
  return registry;
}

function publishMetrics({ link, publisher }: RelayView, counter: Define, gauge: Define) {
  gauge('relay_nats_connected', '1 while connected to NATS', [], () => (link.isConnected ? 1 : 0));
  counter(
    'relay_nats_connections_total',
    'Connections made to NATS servers',
    [],
    () => link.connections,
  );
  counter(
    'relay_published_messages_total',
    'Messages published, backlogs included',
    [],
    () => publisher.publishedMessages,
  );
  counter('relay_published_packets_total', 'Packets in them', [], () => publisher.publishedPackets);
  counter('relay_published_bytes_total', 'Bytes in them', [], () => publisher.publishedBytes);
  counter(
    'relay_resent_messages_total',
    'Messages published once more, since a server was lost that had not confirmed them',
    [],
    () => publisher.resentMessages,
  );
  counter(
    'relay_dropped_packets_total',
    'Packets dropped since NATS was slow or away',
    [],
    () => publisher.droppedPackets,
  );
  counter(
    'relay_dropped_bytes_total',
    'Bytes dropped since NATS was slow or away',
    [],
    () => publisher.droppedBytes,
  );
  gauge(
    'relay_queue_bytes',
    'What waits for NATS to take or to confirm it',
    [],
    () => publisher.queuedBytes,
  );
}

function backlogMetrics(
  { backlogs, channels, droppedLogLines }: RelayView,
  counter: Define,
  gauge: Define,
) {
  counter(
    'relay_backlog_requests_total',
    'Backlogs that edge nodes asked for',
    [],
    () => backlogs.requests,
  );
  counter(
    'relay_backlog_refused_total',
    'Of these, refused since too many asked at once',
    [],
    () => backlogs.refused,
  );
  counter('relay_backlog_bytes_total', 'Bytes of backlogs', [], () => backlogs.bytes);
  gauge('relay_channels', 'Channels that are known now', [], () => channels.size);
  gauge('relay_log_bytes', 'Memory of the backlogs', [], () => channels.budget.usedBytes);
  counter(
    'relay_log_lines_dropped_total',
    'Log lines that were dropped since nobody read them in time',
    [],
    droppedLogLines,
  );
}
