import type { Define } from '../../../shared/metrics/registry.ts';
import type { SourceCounts } from '../../ordering/merging/merged-sources.ts';
import type { FeedSource } from '../../source/feed.ts';
import type { EdgeView } from '../edge-view.ts';
import { isConnected, silentMs } from './source-status.ts';

interface SourceView extends Pick<EdgeView, 'feed' | 'clock'> {
  readonly channels: Pick<EdgeView['channels'], 'badChannelPackets' | 'excessChannelPackets'>;
}

interface MergeView {
  readonly channels: Pick<EdgeView['channels'], 'merged'>;
}

/** Of an edge node as of a relay: where its packets come from. */
export function sourceMetrics(
  { feed, channels, clock }: SourceView,
  counter: Define,
  gauge: Define,
): void {
  const { sources } = feed;
  const ofEach = (read: (source: FeedSource) => number) => () =>
    sources.map((source) => [{ source: source.name }, read(source)] as const);

  gauge('source_connected', '1 while connected to a channel source', [], () =>
    sources.some(isConnected) ? 1 : 0,
  );
  gauge(
    'source_packet_age_seconds',
    'Time since the newest packet from any source',
    [],
    () => silentMs(clock.monotonicMs(), ...sources) / 1000,
  );
  gauge(
    'source_up',
    'Of each source: 1 while connected to it, 0 while it is tried in vain; none while it is not needed',
    ['source'],
    () =>
      sources
        .filter(({ state }) => state.kind !== 'standby')
        .map((source) => [{ source: source.name }, isConnected(source) ? 1 : 0] as const),
  );
  gauge(
    'source_silent_seconds',
    'Of each source: time since its newest packet',
    ['source'],
    ofEach((source) => silentMs(clock.monotonicMs(), source) / 1000),
  );
  counter(
    'source_connections_total',
    'Connections made to a source',
    ['source'],
    ofEach(({ connections }) => connections),
  );
  counter(
    'source_bytes_total',
    'Bytes read from a source',
    ['source'],
    ofEach(({ bytesRead }) => bytesRead),
  );
  counter(
    'source_framing_lost_total',
    'Connections given up because what came was no header',
    ['source'],
    ofEach(({ framingLost }) => framingLost),
  );
  counter('source_dropped_packets_total', 'Packets that reached no channel', ['reason'], () => [
    [{ reason: 'bad_channel' }, channels.badChannelPackets],
    [{ reason: 'max_channels' }, channels.excessChannelPackets],
  ]);
}

/** Of a feed that brings those channels alone that somebody watches. */
export function demandMetrics({ feed }: EdgeView, counter: Define, gauge: Define): void {
  const { demand } = feed;
  if (demand === undefined) return;
  gauge(
    'feed_subscribed_channels',
    'Channels that this node takes in: those that are watched, and CHANNEL_KEEP_MS longer',
    [],
    () => demand.figures.subscribed,
  );
  gauge(
    'feed_known_channels',
    'Channels that relays tell of, taken in or not',
    [],
    () => demand.figures.known,
  );
  gauge('feed_relays', 'Relays that can be heard', [], () => demand.figures.relays);
  counter(
    'feed_gaps_total',
    'Times that the connection was lost while channels were taken in: packets may be missing',
    [],
    () => demand.figures.gaps,
  );
  counter(
    'feed_bad_messages_total',
    'Messages that held something else than packets, or than a directory',
    [],
    () => demand.figures.badMessages,
  );
  counter('feed_backlogs_total', 'Backlogs asked for', ['result'], () => {
    const { backlogs, backlogsCut } = demand.figures;
    return [
      [{ result: 'whole' }, backlogs - backlogsCut],
      [{ result: 'cut' }, backlogsCut],
    ];
  });
}

/** Of an edge node as of a relay: what each of several sources brings to the merge. */
export function mergeMetrics({ channels }: MergeView, counter: Define): void {
  const ofEach = (read: (counts: SourceCounts) => number) => () =>
    (channels.merged?.counts ?? []).map(
      (counts, source) => [{ source: channels.merged?.names[source] ?? '' }, read(counts)] as const,
    );
  counter(
    'source_only_packets_total',
    'Packets that no other of the merged sources brought',
    ['source'],
    ofEach(({ only }) => only),
  );
  counter(
    'source_duplicate_packets_total',
    'Packets that another of the merged sources had brought before',
    ['source'],
    ofEach(({ duplicates }) => duplicates),
  );
  counter(
    'source_disagreeing_packets_total',
    'Packets left out, since their sequences are not those of the source in use',
    ['source'],
    ofEach(({ disagreeing }) => disagreeing),
  );
}
