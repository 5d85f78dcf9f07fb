import type { SourceCounts } from '../../ordering/merging/merged-sources.ts';
import type { Feed, FeedSource } from '../../source/feed.ts';
import type { EachSourceStatus, SourceStatus } from '../snapshot.ts';

/** All sources as one: connected while one of them is. */
export function feedStatus(feed: Feed, nowMs: number): SourceStatus {
  const { sources } = feed;
  const shown = sources.find(isConnected) ?? sources.at(0);
  return {
    ...stateOf(shown),
    connections: sumOf(sources, ({ connections }) => connections),
    framingLost: sumOf(sources, ({ framingLost }) => framingLost),
    bytes: bytesReadOf(feed),
    silentSeconds: silentSeconds(nowMs, ...sources),
  };
}

/** Bytes read from all sources. */
export function bytesReadOf({ sources }: Feed): number {
  return sumOf(sources, ({ bytesRead }) => bytesRead);
}

export function sourceStatus(
  source: FeedSource,
  nowMs: number,
  merged?: SourceCounts,
): EachSourceStatus {
  return {
    source: source.name,
    ...stateOf(source),
    connections: source.connections,
    framingLost: source.framingLost,
    bytes: source.bytesRead,
    silentSeconds: silentSeconds(nowMs, source),
    ...merged,
  };
}

function stateOf(source: FeedSource | undefined) {
  const state = source?.state ?? { kind: 'stopped' };
  return { state: state.kind, ...(state.kind === 'waiting' && { reason: state.reason }) };
}

export function isConnected({ state }: FeedSource): boolean {
  return state.kind === 'connected';
}

/** Since the newest packet of any of them. */
export function silentMs(nowMs: number, ...sources: readonly FeedSource[]): number {
  return nowMs - Math.max(...sources.map(({ lastPacketMs }) => lastPacketMs));
}

function silentSeconds(nowMs: number, ...sources: readonly FeedSource[]): number {
  return Math.round(silentMs(nowMs, ...sources) / 100) / 10;
}

function sumOf(sources: readonly FeedSource[], read: (source: FeedSource) => number): number {
  return sources.reduce((sum, source) => sum + read(source), 0);
}
