import type { GatewayChannel } from '../channels/gateway-channel.ts';
import type { InputKeeper } from '../channels/input-keeper.ts';
import type { GatewayView } from './gateway-view.ts';

/** The gateway at one glance, for people: edge nodes, channels with what plays, inputs with their state and flaws. */
export function gatewayStatus({ channels, feed, children }: GatewayView) {
  const nowMs = performance.now();
  return {
    edgeNodes: feed.waiting,
    edgeNodesDropped: feed.droppedClients,
    packets: feed.packets,
    children: children.running,
    memory: { rssBytes: process.memoryUsage.rss() },
    channels: [...channels.values()].map((channel) => channelStatus(channel, nowMs)),
  };
}

function channelStatus(channel: GatewayChannel, nowMs: number) {
  const { definition, active, inputs, feed, counts, switches, isWithoutClock } = channel;
  return {
    channel: definition.id,
    name: definition.name,
    ...(definition.group !== '' && { group: definition.group }),
    isPlaying: active.isReceiving(nowMs),
    input: inputs.indexOf(active) + 1,
    switches,
    secondsBy: isWithoutClock ? 'arrival' : 'PCR',
    packets: feed.packets,
    ...counts,
    delayedSlots: feed.delayedSlots,
    inputs: inputs.map((input) => inputStatus(input, nowMs)),
  };
}

function inputStatus({ spec, state, stats, aheadMs }: InputKeeper, nowMs: number) {
  const pmts = stats.reader?.tables;
  return {
    input: spec.label,
    state: state.kind,
    ...('sinceMs' in state && { seconds: Math.round((nowMs - state.sinceMs) / 1000) }),
    ...('reason' in state && { reason: state.reason.message }),
    bitsPerSecond: Math.round(stats.bitsPerSecond),
    pcrIntervalMs: Math.round(stats.pcrIntervalMs),
    ...(aheadMs !== undefined && { aheadMs: Math.round(aheadMs) }),
    programs: pmts?.programs.map(({ program }) => program) ?? [],
    opened: stats.opened,
    ends: Object.fromEntries(stats.ends),
    ...stats.counts,
  };
}
