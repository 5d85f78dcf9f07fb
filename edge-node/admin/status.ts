import { STORE_TIMEOUT_MS } from '../../shared/limits.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import type { Channel } from '../channels/channel.ts';
import { inSlices } from '../channels/in-slices.ts';
import type { Session } from '../delivery/session.ts';
import type { EdgeView } from './edge-view.ts';
import type { ChannelStatus, NodeStatus, SessionStatus } from './snapshot.ts';
import { feedStatus, sourceStatus } from './sources/source-status.ts';
import { VERSION } from './version.ts';

/** Users listed at most; `?user=` finds the others. */
export const MAX_LISTED_USERS = 1_000;

/**
 * The answer to `GET /status`, an EdgeStatus, in JSON that is put together from slices: a node may have thousands of
 * channels, and viewers are served meanwhile.
 */
export async function edgeStatus(
  view: EdgeView,
  storeAnswers: boolean,
  user: string | undefined,
): Promise<string> {
  const { channels, sessions, clock } = view;
  const listedChannels: string[] = [];
  await inSlices([...channels.channels], clock, (channel) =>
    listedChannels.push(JSON.stringify(channelStatus(channel, clock.monotonicMs()))),
  );
  const nowMs = clock.monotonicMs();
  const users: SessionStatus[] = [];
  for (const session of sessions.all) {
    if (users.length >= MAX_LISTED_USERS) break;
    if (user === undefined || session.userId === user) {
      users.push(sessionStatus(view, session, nowMs));
    }
  }
  const node = JSON.stringify(nodeStatus(view, storeAnswers)).slice(0, -1);
  return `${node},"channels":[${listedChannels.join()}],"users":${JSON.stringify(users)}}`;
}

/** Whether the store answers in time. */
export function storeAnswers({ store }: EdgeView): Promise<boolean> {
  return withTimeout(store.ping(), STORE_TIMEOUT_MS).then(
    () => true,
    () => false,
  );
}

export function nodeStatus(view: EdgeView, storeAnswers: boolean): NodeStatus {
  const { feed, channels, sessions, admission, overload, writer, load, clock } = view;
  const nowMs = clock.monotonicMs();
  return {
    version: VERSION,
    uptimeSeconds: Math.round(process.uptime()),
    accepting: view.isAccepting(),
    loadFactor: round(load.value),
    deliveryShare: percent(overload.shareAt(nowMs)),
    source: feedStatus(feed, nowMs),
    sources: feed.sources.map((source, number) =>
      sourceStatus(source, nowMs, channels.merged?.counts[number]),
    ),
    ...(feed.demand && { feed: feed.demand.figures }),
    store: { name: view.storeName, answers: storeAnswers, usage: writer.stats },
    memory: {
      logBytes: channels.budget.usedBytes,
      logMaxBytes: view.logMaxBytes,
      rssBytes: process.memoryUsage.rss(),
    },
    usersTotal: sessions.size,
    usersMax: admission.maxUsers,
    usersWaiting: channels.waitingUsers,
  };
}

export function channelStatus(channel: Channel, nowMs: number): ChannelStatus {
  const { received, lost, late, stray, duplicates, jumps, restarts } = channel.counters;
  return {
    channel: channel.id,
    seconds: Math.round((nowMs - channel.sinceMs) / 1000),
    packetsPerSecond: round(channel.packetsPerSecond),
    secondsPerSecond:
      channel.secondsRate.value === undefined ? null : round(channel.secondsRate.value),
    ...(channel.secondsRate.isOff && { billedWrongly: true }),
    emptyShare: Math.round(channel.emptyShare * 1000) / 1000,
    received,
    lost,
    late,
    stray,
    duplicates,
    jumps,
    restarts,
    held: channel.heldPackets,
    logBytes: channel.log.bytes,
    watchers: channel.watchers.size,
    deliveredPackets: channel.deliveredPackets,
    skippedPackets: channel.skippedPackets,
  };
}

export function sessionStatus(view: EdgeView, session: Session, nowMs: number): SessionStatus {
  return {
    id: session.id,
    user: session.userId,
    channel: session.channelId,
    address: session.address,
    client: session.client,
    connectedSeconds: Math.round((nowMs - session.sinceMs) / 1000),
    seconds: (session.watchedPackets * view.packetDurationMs) / 1000,
    lagPackets: session.lagPackets,
    skippedPackets: session.skippedPackets,
  };
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function percent(value: number): number {
  return Math.round(value * 100) / 100;
}
