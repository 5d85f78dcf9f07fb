import type { GatewayChannel } from '../channels/gateway-channel.ts';
import type { FeedServer } from '../feed/feed-server.ts';
import type { ChildStarts } from '../inputs/child-starts.ts';

/** The parts of a running gateway, as its metrics and its status look at them. */
export interface GatewayView {
  readonly channels: ReadonlyMap<string, GatewayChannel>;
  readonly feed: FeedServer;
  readonly children: ChildStarts;
}
