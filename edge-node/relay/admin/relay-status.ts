import { feedStatus, sourceStatus } from '../../admin/sources/source-status.ts';
import type { RelayChannel } from '../relay-channel.ts';
import type { RelayView } from './relay-view.ts';

/** The relay at one glance, for people: source, NATS, what it publishes, channels with their rates. */
export function relayStatus({ feed, link, channels, publisher, backlogs, clock }: RelayView) {
  const nowMs = clock.monotonicMs();
  return {
    source: feedStatus(feed, nowMs),
    sources: feed.sources.map((source) => sourceStatus(source, nowMs)),
    nats: {
      state: link.state.kind,
      ...(link.state.kind === 'connected' && { server: link.state.server }),
      ...(link.state.kind === 'waiting' && { reason: link.state.reason }),
      connections: link.connections,
      publishedMessages: publisher.publishedMessages,
      publishedBytes: publisher.publishedBytes,
      droppedMessages: publisher.droppedMessages,
      droppedBytes: publisher.droppedBytes,
      queuedBytes: publisher.queuedBytes,
    },
    backlogRequests: backlogs.requests,
    memory: { logBytes: channels.budget.usedBytes, rssBytes: process.memoryUsage.rss() },
    channels: Array.from(channels.all, channelStatus),
  };
}

function channelStatus({ id, packets, rate, log }: RelayChannel) {
  return {
    channel: id,
    packets,
    packetsPerSecond: Math.round(rate.packetsPerSecond * 10) / 10,
    bitsPerSecond: Math.round(rate.bytesPerSecond * 8),
    logBytes: log.bytes,
  };
}
