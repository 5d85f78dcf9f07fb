import type { RelayChannel } from '../relay-channel.ts';
import type { RelayView } from './relay-view.ts';

/** The relay at one glance, for people: source, NATS, what it publishes, channels with their rates. */
export function relayStatus({ source, link, channels, publisher, backlogs }: RelayView) {
  return {
    source: {
      state: source.state.kind,
      ...(source.state.kind === 'waiting' && { reason: source.state.reason }),
      connections: source.connections,
      framingLost: source.framingLost,
      bytes: source.bytesRead,
    },
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
