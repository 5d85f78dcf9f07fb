import type { ChannelId } from '../../shared/ids.ts';
import type { Sequence } from '../ordering/sequence.ts';
import type { PacketSink } from './packet-decoder.ts';

/** Takes what a feed brings. A source is told by its number (`PacketView.source`), which stays its own. */
export interface FeedSink extends PacketSink {
  /** A new connection to a source begins: it may go on, repeat, or have started again from 0. */
  sourceConnected(source: number): void;
  /** A source's connection has ended; nothing comes from it until the next begins. */
  sourceLost(source: number): void;
}

/** The same, of a feed that brings those channels alone that are wanted. */
export interface DemandSink extends FeedSink {
  /** What comes of this channel until `backlogEnded` is older than its users: they are kept waiting. */
  backlogBegins(id: ChannelId): void;
  /** From this sequence on nothing is left out, whatever was shuffled; the channel is to begin there. */
  beginsAt(id: ChannelId, first: Sequence): void;
  /** @param ordered what lies before it has come or is lost, where that is known */
  backlogEnded(id: ChannelId, ordered?: Sequence): void;
  /** The channel is not taken in any more. Nobody watches it. */
  forget(id: ChannelId): void;
}

/** Which channels are wanted, where a feed brings those alone. */
export interface Demand {
  /** Channels that there are, taken in or not. */
  readonly ids: Iterable<ChannelId>;
  has(id: ChannelId): boolean;
  /** Somebody watches it now. @param fromEntry they would begin at an entry point, if there is one */
  want(id: ChannelId, fromEntry: boolean): void;
  /** Nobody watches it any more. */
  unwant(id: ChannelId): void;
  readonly figures: DemandFigures;
}

/** For metrics and status. */
export interface DemandFigures {
  readonly subscribed: number;
  readonly known: number;
  readonly relays: number;
  /** Times that the connection was lost while channels were taken in: packets may be missing. */
  readonly gaps: number;
  readonly badMessages: number;
  readonly backlogs: number;
  /** Of these, those that did not come to their end in time. */
  readonly backlogsCut: number;
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
  /** Where several bring packets at the same time: their names, by their numbers (`PacketView.source`). */
  readonly merged?: readonly string[];
  /** Where it brings those channels alone that somebody watches. */
  readonly demand?: Demand;
  /**
   * Begins to take packets, for ever, and gives them to `sink`.
   * @throws ConfigError where what it takes them from can never serve as things are set
   */
  start(sink: DemandSink): void | Promise<void>;
  stop(): void | Promise<void>;
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
