import { STORE_TIMEOUT_MS } from '../../shared/limits.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import type { Channel } from '../channels/channel.ts';
import type { Session } from '../delivery/session.ts';
import type { EdgeView } from './edge-view.ts';

/** Users listed at most; `?user=` finds the others. */
const MAX_LISTED_USERS = 1_000;

/** The node at one glance, for people: source, store, channels with rates and gaps, users with lag and drops. */
export async function edgeStatus(view: EdgeView, user: string | undefined) {
  const { source, channels, sessions, writer, load, store, clock } = view;
  const storeAnswers = await withTimeout(store.ping(), STORE_TIMEOUT_MS).then(
    () => true,
    () => false,
  );
  const nowMs = clock.monotonicMs();
  const listed: object[] = [];
  for (const session of sessions.all) {
    if (listed.length >= MAX_LISTED_USERS) break;
    if (user === undefined || session.userId === user) {
      listed.push(userStatus(view, session, nowMs));
    }
  }
  return {
    accepting: view.isAccepting(),
    loadFactor: round(load.value),
    source: {
      state: source.state.kind,
      ...(source.state.kind === 'waiting' && { reason: source.state.reason }),
      connections: source.connections,
      framingLost: source.framingLost,
      bytes: source.bytesRead,
    },
    store: { name: view.storeName, answers: storeAnswers, usage: writer.stats },
    memory: { logBytes: channels.budget.usedBytes, rssBytes: process.memoryUsage.rss() },
    channels: [...channels.channels].map((channel) => channelStatus(channel, nowMs)),
    usersTotal: sessions.size,
    usersWaiting: channels.waitingUsers,
    users: listed,
  };
}

function channelStatus(channel: Channel, nowMs: number) {
  const { received, lost, late, stray, jumps, restarts } = channel.counters;
  return {
    channel: channel.id,
    seconds: Math.round((nowMs - channel.sinceMs) / 1000),
    packetsPerSecond: round(channel.packetsPerSecond),
    received,
    lost,
    late,
    stray,
    jumps,
    restarts,
    held: channel.heldPackets,
    logBytes: channel.log.bytes,
    watchers: channel.watchers.size,
    deliveredPackets: channel.deliveredPackets,
    skippedPackets: channel.skippedPackets,
  };
}

function userStatus(view: EdgeView, session: Session, nowMs: number) {
  return {
    user: session.userId,
    channel: session.channelId,
    connectedSeconds: Math.round((nowMs - session.sinceMs) / 1000),
    seconds: (session.watchedPackets * view.packetDurationMs) / 1000,
    lagPackets: session.lagPackets,
    skippedPackets: session.skippedPackets,
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
