import type { Feed } from '../source/feed.ts';
import { type FeedParts, openTcpFeed } from '../source/open-feed.ts';
import { receiveBufferMaxBytes } from '../source/receive-buffer.ts';
import { NatsFeed } from './nats-feed.ts';
import { NatsLink } from './nats-link.ts';

/** The feed that CHANNEL_FEED names. It takes nothing before it is started. */
export function openFeed(parts: FeedParts): Feed {
  if (parts.config.CHANNEL_FEED === 'tcp') return openTcpFeed(parts);
  const { config, clock, limiter } = parts;
  const link = NatsLink.of(config, { name: 'edge-node', ...parts });
  return new NatsFeed({ config, link, maxUnreadBytes: receiveBufferMaxBytes(), clock, limiter });
}
