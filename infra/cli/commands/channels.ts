import type { ChannelStatus } from '../../../edge-node/admin/snapshot.ts';
import { edgeStatus } from '../edge-status.ts';
import { places } from '../places.ts';
import { countText } from '../terminal/figures.ts';
import { paint, say, sayJson, sayTable } from '../terminal/print.ts';
import { shown, table } from '../terminal/table.ts';

const COLUMNS = [
  { title: 'CHANNEL' },
  { title: 'PACKETS/S', isFigure: true },
  { title: 'S/S', isFigure: true },
  { title: 'WATCHERS', isFigure: true },
  { title: 'RECEIVED', isFigure: true },
  { title: 'LOST', isFigure: true },
  { title: 'LATE', isFigure: true },
  { title: '' },
];

/** `channels`: what the edge node has, by id. */
export async function channels({ at, json }: { at?: string; json?: boolean }): Promise<void> {
  const status = await edgeStatus(at ?? places().admin);
  if (json) return sayJson(status.channels);
  if (status.channels.length === 0) {
    return say(`no channel has come yet: the source is ${status.source.state}`);
  }
  sayTable(channelTable([...status.channels].sort(byId)));
}

const byId = (one: ChannelStatus, other: ChannelStatus): number =>
  one.channel < other.channel ? -1 : 1;

/** Losses stand out, and so does a channel whose seconds cannot be right. */
export function channelTable(list: readonly ChannelStatus[]): string[] {
  return table(
    COLUMNS,
    list.map((channel) => [
      shown(channel.channel),
      channel.packetsPerSecond.toFixed(1),
      channel.secondsPerSecond?.toFixed(1) ?? '–',
      countText(channel.watchers),
      countText(channel.received),
      flawText(channel.lost),
      flawText(channel.late),
      noteOn(channel),
    ]),
  );
}

function flawText(count: number): string {
  return count === 0 ? '0' : paint('yellow', countText(count));
}

function noteOn(channel: ChannelStatus): string {
  if (channel.billedWrongly) return paint('red', 'seconds are off');
  return channel.packetsPerSecond === 0 ? paint('yellow', 'silent') : '';
}
