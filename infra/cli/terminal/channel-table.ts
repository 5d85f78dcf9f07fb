import type { ChannelStatus } from '../../../edge-node/admin/snapshot.ts';
import { countText } from './figures.ts';
import { paint } from './print.ts';
import { shown, table } from './table.ts';

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
