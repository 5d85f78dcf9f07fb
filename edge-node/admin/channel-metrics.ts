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
  /** What it is of several processes together. */
  readonly together: 'sum' | 'mean';
}

const define =
  (kind: ChannelMetric['kind']) =>
  (
    name: string,
    help: string,
    read: ChannelMetric['read'],
    together: ChannelMetric['together'] = 'sum',
  ): ChannelMetric => {
    return { kind, name: `streaming_${name}`, help, read, together };
  };
const counter = define('counter');
const gauge = define('gauge');

export const CHANNEL_METRICS: readonly ChannelMetric[] = [
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
    'mean',
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

/** What the channels' metrics are at one time: a column for each of CHANNEL_METRICS, with a value for each channel. */
export interface ChannelTable {
  readonly channels: readonly string[];
  /** Null where there is nothing to tell yet. */
  readonly columns: readonly (readonly (number | null)[])[];
}

/** Reads the channels in slices: a node may have thousands, and viewers are served meanwhile. */
export async function channelTable(
  channels: Iterable<Channel>,
  clock: Clock,
): Promise<ChannelTable> {
  const names: string[] = [];
  const columns = CHANNEL_METRICS.map((): (number | null)[] => []);
  await inSlices([...channels], clock, (channel) => {
    names.push(channel.id);
    for (const [at, { read }] of CHANNEL_METRICS.entries()) {
      columns[at]?.push(read(channel) ?? null);
    }
  });
  return { channels: names, columns };
}

/**
 * The channels' part of /metrics, in Prometheus' text format. prom-client would take a third of a second without a pause
 * for the 4,096 channels that a node may have: here it is made in slices, and viewers are served between them.
 */
export async function channelTableText(table: ChannelTable, clock: Clock): Promise<Buffer[]> {
  const labels = table.channels.map(labelOf);
  const parts: Buffer[] = [];
  for (const [at, { kind, name, help }] of CHANNEL_METRICS.entries()) {
    const column = table.columns[at] ?? [];
    let text = `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`;
    await inSlices(labels.entries(), clock, ([row, label]) => {
      const value = column[row] ?? null;
      if (value !== null) text += `${name}${label} ${value}\n`;
    });
    parts.push(Buffer.from(text));
  }
  return parts;
}

/** The channels' part of /metrics of this process. */
export async function channelMetricsText(
  channels: Iterable<Channel>,
  clock: Clock,
): Promise<Buffer[]> {
  return channelTableText(await channelTable(channels, clock), clock);
}

function labelOf(id: string): string {
  return `{channel="${id.replace(/[\\"]/g, '\\$&')}"}`;
}
