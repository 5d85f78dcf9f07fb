import { STORE_TIMEOUT_MS } from '../../shared/limits.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import type { Channel } from '../channels/channel.ts';
import { inSlices } from '../channels/in-slices.ts';
import type { Session } from '../delivery/session.ts';
import type { EdgeView } from './edge-view.ts';

/** Users listed at most; `?user=` finds the others. */
const MAX_LISTED_USERS = 1_000;

/**
 * The node at one glance, for people: source, store, channels with rates and gaps, users with lag and drops. JSON, put
 * together from slices: a node may have thousands of channels, and viewers are served meanwhile.
 */
export async function edgeStatus(
  view: EdgeView,
  storeAnswers: boolean,
  user: string | undefined,
): Promise<string> {
  const { source, channels, sessions, writer, load, clock } = view;
  const listedChannels: string[] = [];
  await inSlices([...channels.channels], clock, (channel) =>
    listedChannels.push(JSON.stringify(channelStatus(channel, clock.monotonicMs()))),
  );
  const nowMs = clock.monotonicMs();
  const listed: object[] = [];
  for (const session of sessions.all) {
    if (listed.length >= MAX_LISTED_USERS) break;
    if (user === undefined || session.userId === user) {
      listed.push(userStatus(view, session, nowMs));
    }
  }
  const node = {
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
  };
  const users = {
    usersTotal: sessions.size,
    usersWaiting: channels.waitingUsers,
    users: listed,
  };
  const [before, after] = [JSON.stringify(node).slice(0, -1), JSON.stringify(users).slice(1)];
  return `${before},"channels":[${listedChannels.join()}],${after}`;
}

/** Whether the store answers in time. */
export function storeAnswers({ store }: EdgeView): Promise<boolean> {
  return withTimeout(store.ping(), STORE_TIMEOUT_MS).then(
    () => true,
    () => false,
  );
}

function channelStatus(channel: Channel, nowMs: number) {
  const { received, lost, late, stray, jumps, restarts } = channel.counters;
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
