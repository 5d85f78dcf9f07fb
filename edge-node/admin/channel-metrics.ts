import type { Clock } from '../../shared/clock.ts';
import type { Channel } from '../channels/channel.ts';
import { inSlices } from '../channels/in-slices.ts';

/** A metric that each channel has a value of. */
interface ChannelMetric {
  readonly kind: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  /** Undefined where there is nothing to tell yet. */
  readonly read: (channel: Channel) => number | undefined;
}

const define =
  (kind: ChannelMetric['kind']) =>
  (name: string, help: string, read: ChannelMetric['read']): ChannelMetric => {
    return { kind, name: `streaming_${name}`, help, read };
  };
const counter = define('counter');
const gauge = define('gauge');

const CHANNEL_METRICS: readonly ChannelMetric[] = [
  gauge('channel_watchers', 'Users of a channel', ({ watchers }) => watchers.size),
  gauge(
    'channel_held_packets',
    'Packets that wait for a missing one',
    ({ heldPackets }) => heldPackets,
  ),
  gauge(
    'channel_seconds_per_second',
    'Seconds that a channel counts in a second, over the last minute; right is 1',
    ({ secondsRate }) => secondsRate.value,
  ),
  counter(
    'channel_received_packets_total',
    'Packets from the source',
    ({ counters }) => counters.received,
  ),
  counter(
    'channel_lost_packets_total',
    'Packets missing between the first and the last delivered',
    ({ counters }) => counters.lost,
  ),
  counter(
    'channel_late_packets_total',
    'Late and repeated packets',
    ({ counters }) => counters.late,
  ),
  counter('channel_stray_packets_total', 'Stray packets', ({ counters }) => counters.stray),
  counter(
    'channel_jumps_total',
    'New epochs by a jump of the source',
    ({ counters }) => counters.jumps,
  ),
  counter(
    'channel_restarts_total',
    'New epochs by a restart of the source',
    ({ counters }) => counters.restarts,
  ),
  counter(
    'channel_delivered_packets_total',
    'Packets that the kernel took, over all users',
    ({ deliveredPackets }) => deliveredPackets,
  ),
  counter(
    'channel_delivered_bytes_total',
    'Bytes that the kernel took, over all users',
    ({ deliveredBytes }) => deliveredBytes,
  ),
  counter(
    'channel_skipped_packets_total',
    'Packets skipped for users who were too slow',
    ({ skippedPackets }) => skippedPackets,
  ),
];

/**
 * The channels' part of /metrics, in Prometheus' text format. prom-client would take a third of a second without a pause
 * for the 4,096 channels that a node may have: here it is made in slices, and viewers are served between them.
 */
export async function channelMetricsText(
  channels: Iterable<Channel>,
  clock: Clock,
): Promise<Buffer[]> {
  const labelled = [...channels].map((channel) => ({ channel, label: labelOf(channel.id) }));
  const parts: Buffer[] = [];
  for (const { kind, name, help, read } of CHANNEL_METRICS) {
    let text = `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`;
    await inSlices(labelled, clock, ({ channel, label }) => {
      const value = read(channel);
      if (value !== undefined) text += `${name}${label} ${value}\n`;
    });
    parts.push(Buffer.from(text));
  }
  return parts;
}

function labelOf(id: string): string {
  return `{channel="${id.replace(/[\\"]/g, '\\$&')}"}`;
}
