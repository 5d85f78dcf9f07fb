import type {
  ChannelStatus,
  EdgeStatus,
  SessionStatus,
} from '../../../edge-node/admin/snapshot.ts';
import { channelTable } from './channel-table.ts';
import { bytesText, counted, countText, durationText } from './figures.ts';
import { paint } from './print.ts';
import { shown, table } from './table.ts';

const USER_COLUMNS = [
  { title: 'USER' },
  { title: 'CHANNEL' },
  { title: 'CONNECTED', isFigure: true },
  { title: 'BILLED', isFigure: true },
  { title: 'LAG', isFigure: true },
  { title: 'SKIPPED', isFigure: true },
];
/** Lines of a part beside its rows: an empty one, and its titles. */
const PART_LINES = 2;

/** The lines of `top`, as many as there is room for: what is wrong first, then what most watch. */
export function topLines(origin: string, status: EdgeStatus, rows: number): string[] {
  const head = headLines(origin, status);
  const left = Math.max(0, rows - head.length);
  const users = Math.min(linesFor(status.users), Math.floor(left / 2));
  const channels = Math.min(linesFor(status.channels), left - users);
  return [
    ...head,
    ...part(channelTable, [...status.channels].sort(byConcern), channels),
    ...part(userTable, [...status.users].sort(bySkipped), left - channels),
  ];
}

function linesFor({ length }: { readonly length: number }): number {
  return length === 0 ? 0 : PART_LINES + length;
}

function headLines(origin: string, status: EdgeStatus): string[] {
  const { source, store, memory } = status;
  const { pendingRows, oldestPendingMs } = store.usage;
  const state = (isGood: boolean, text: string): string => paint(isGood ? 'green' : 'red', text);
  const flow = source.state === 'connected' ? '' : ` (${shown(source.reason ?? 'no connection')})`;
  return [
    [
      paint('bold', origin),
      state(status.accepting, status.accepting ? 'accepting' : 'draining'),
      counted(status.usersTotal, 'user'),
      `${countText(status.usersWaiting)} waiting`,
      counted(status.channels.length, 'channel'),
    ].join('   '),
    [
      `source ${state(source.state === 'connected', source.state)}${flow}, ${bytesText(source.bytes)}`,
      `store ${store.name} ${state(store.answers, store.answers ? 'answers' : 'is away')}`,
      counted(pendingRows, 'pending row') +
        (pendingRows > 0 ? `, the oldest for ${(oldestPendingMs / 1000).toFixed(0)} s` : ''),
    ].join('   '),
    [
      `memory ${bytesText(memory.rssBytes)}, logs ${bytesText(memory.logBytes)}`,
      `load factor ${status.loadFactor}`,
    ].join('   '),
  ];
}

const concern = ({ billedWrongly, packetsPerSecond }: ChannelStatus): number =>
  billedWrongly ? 2 : Number(packetsPerSecond === 0);

function byConcern(one: ChannelStatus, other: ChannelStatus): number {
  const difference = concern(other) - concern(one) || other.watchers - one.watchers;
  return difference || (one.channel < other.channel ? -1 : 1);
}

function bySkipped(one: SessionStatus, other: SessionStatus): number {
  return other.skippedPackets - one.skippedPackets || other.lagPackets - one.lagPackets;
}

function userTable(users: readonly SessionStatus[]): string[] {
  return table(
    USER_COLUMNS,
    users.map((user) => [
      shown(user.user),
      shown(user.channel),
      durationText(user.connectedSeconds),
      durationText(user.seconds),
      countText(user.lagPackets),
      user.skippedPackets === 0 ? '0' : paint('yellow', countText(user.skippedPackets)),
    ]),
  );
}

/** A table with an empty line before it, or nothing where there is no room for a row. */
function part<T>(tableOf: (list: readonly T[]) => string[], list: readonly T[], room: number) {
  const free = room - PART_LINES;
  if (list.length === 0 || free <= 0) return [];
  const fitting = list.length <= free ? list : list.slice(0, free - 1);
  const [titles = '', ...rows] = tableOf(fitting);
  const left = list.length - fitting.length;
  const more = left === 0 ? [] : [paint('dim', `… ${countText(left)} more`)];
  return ['', paint('bold', titles), ...rows, ...more];
}
