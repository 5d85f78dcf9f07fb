import { collectDefaultMetrics, Registry } from 'prom-client';
import { type Define, metricDefiner } from '../../../shared/metrics/metric-definer.ts';
import type { RelayView } from './relay-view.ts';

/** All metrics of a relay. */
export function createRelayMetrics(view: RelayView): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const { counter, gauge } = metricDefiner(registry);
  sourceMetrics(view, counter, gauge);
  publishMetrics(view, counter, gauge);
  backlogMetrics(view, counter, gauge);
  return registry;
}

function sourceMetrics({ source, channels, clock }: RelayView, counter: Define, gauge: Define) {
  gauge('relay_source_connected', '1 while connected to the channel source', [], () =>
    source.state.kind === 'connected' ? 1 : 0,
  );
  gauge(
    'relay_source_packet_age_seconds',
    'Time since the newest packet from the source',
    [],
    () => source.silentMs(clock.monotonicMs()) / 1000,
  );
  counter(
    'relay_source_bytes_total',
    'Bytes read from the channel source',
    [],
    () => source.bytesRead,
  );
  counter(
    'relay_source_framing_lost_total',
    'Connections given up because what came was no header',
    [],
    () => source.framingLost,
  );
  counter('relay_unrelayed_packets_total', 'Packets that reached no channel', ['reason'], () => [
    [{ reason: 'bad_channel' }, channels.badChannelPackets],
    [{ reason: 'max_channels' }, channels.excessChannelPackets],
  ]);
  gauge('relay_channels', 'Channels that are known now', [], () => channels.size);
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
  gauge('relay_log_bytes', 'Memory of the backlogs', [], () => channels.budget.usedBytes);
  counter(
    'relay_log_lines_dropped_total',
    'Log lines that were dropped since nobody read them in time',
    [],
    droppedLogLines,
  );
}
