import type { PacketSink } from './packet-decoder.ts';

/** Takes what a feed brings. A source is told by its number (`PacketView.source`), which stays its own. */
export interface FeedSink extends PacketSink {
  /** A new connection to a source begins: it may go on, repeat, or have started again from 0. */
  sourceConnected(source: number): void;
  /** A source's connection has ended; nothing comes from it until the next begins. */
  sourceLost(source: number): void;
}

/** How far sources have been read: to be known before a packet is given up as lost. */
export interface ReadProgress {
  /** Notes what waits unread now. */
  mark(): ReadMark;
}

export interface ReadMark {
  /** Whether all that waited has been read: asked right after the sockets were polled. */
  isRead(): boolean;
}

/** Where the channels' packets come from. Opened by edge-node/source/open-feed.ts, as the settings say. */
export interface Feed extends ReadProgress {
  /** Each place that packets may come from, for metrics and status. */
  readonly sources: readonly FeedSource[];
  /** Begins to take packets, for ever, and gives them to `sink`. */
  start(sink: FeedSink): void;
  stop(): void;
}

export type SourceState =
  /** Waits until it is needed: another source is in use. */
  | { readonly kind: 'standby' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected'; readonly sinceMs: number }
  | { readonly kind: 'waiting'; readonly retryMs: number; readonly reason: string }
  | { readonly kind: 'stopped' };

/** One source of a feed, as its metrics and status look at it. */
export interface FeedSource {
  /** `host:port`. */
  readonly name: string;
  readonly state: SourceState;
  readonly connections: number;
  readonly bytesRead: number;
  /** Connections given up because what came was no header. */
  readonly framingLost: number;
  /** When the newest valid packet came; before the first, when the feed began. */
  readonly lastPacketMs: number;
}
