import type { ChannelOrder, ChannelRow, SessionStatus, UserOrder } from '../admin/snapshot.ts';
import { say } from '../browser/elements.ts';
import { countText, durationText } from './figures.ts';
import type { Column } from './live-list.ts';
import { Sparkline } from './sparkline.ts';

/** A cell with nothing but a text. */
function text<Row>(of: (row: Row) => string) {
  return (cell: HTMLTableCellElement, row: Row): void => say(cell, of(row));
}

/** A count that is marked where there is any. */
function trouble<Row>(of: (row: Row) => number) {
  return (cell: HTMLTableCellElement, row: Row): void => {
    const count = of(row);
    say(cell, countText(count));
    cell.classList.toggle('trouble', count > 0);
  };
}

const sparklines = new WeakMap<HTMLTableCellElement, Sparkline>();

export const CHANNEL_COLUMNS: readonly Column<ChannelRow, ChannelOrder>[] = [
  {
    title: 'Channel',
    by: 'channel',
    show: (cell, { channel, billedWrongly }) => {
      say(cell, billedWrongly ? `${channel} · billed wrongly` : channel);
      cell.classList.toggle('trouble', billedWrongly === true);
    },
  },
  {
    title: 'Last minute',
    isWide: true,
    show: (cell, { rates }) => {
      const drawn = sparklines.get(cell) ?? new Sparkline();
      if (!cell.contains(drawn.svg)) cell.replaceChildren(drawn.svg);
      sparklines.set(cell, drawn);
      drawn.show(rates);
    },
  },
  {
    title: 'Packets/s',
    by: 'packetsPerSecond',
    isFigure: true,
    show: text(({ packetsPerSecond }) => packetsPerSecond.toFixed(1)),
  },
  {
    title: 'Watchers',
    by: 'watchers',
    isFigure: true,
    show: text(({ watchers }) => countText(watchers)),
  },
  { title: 'Lost', by: 'lost', isFigure: true, show: trouble(({ lost }) => lost) },
  {
    title: 'Late',
    by: 'late',
    isFigure: true,
    isWide: true,
    show: text(({ late }) => countText(late)),
  },
  {
    title: 'Out of order now',
    isFigure: true,
    isWide: true,
    show: text(({ held }) => countText(held)),
  },
  {
    title: 'Jumps, restarts',
    isFigure: true,
    isWide: true,
    show: text(({ jumps, restarts }) => `${countText(jumps)}, ${countText(restarts)}`),
  },
  {
    title: 'Skipped',
    by: 'skippedPackets',
    isFigure: true,
    isWide: true,
    show: text(({ skippedPackets }) => countText(skippedPackets)),
  },
];

/** A channel sends some fifty packets in a second: so many wait for who is well, and for who is not. */
const MUCH_LAG_PACKETS = 100;

/** The columns of sessions; `close` asks whether one is to be closed. */
export function userColumns(
  close: (session: SessionStatus) => void,
): readonly Column<SessionStatus, UserOrder>[] {
  return [
    { title: 'User', by: 'user', show: (cell, { user }) => showUser(cell, user) },
    { title: 'Channel', by: 'channel', show: text(({ channel }) => channel) },
    {
      title: 'Connected',
      by: 'connectedSeconds',
      isFigure: true,
      isWide: true,
      show: text(({ connectedSeconds }) => durationText(connectedSeconds)),
    },
    {
      title: 'Watched',
      by: 'seconds',
      isFigure: true,
      show: text(({ seconds }) => durationText(seconds)),
    },
    {
      title: 'Lag',
      by: 'lagPackets',
      isFigure: true,
      show: (cell, { lagPackets }) => {
        say(cell, countText(lagPackets));
        cell.classList.toggle('trouble', lagPackets > MUCH_LAG_PACKETS);
      },
    },
    {
      title: 'Skipped',
      by: 'skippedPackets',
      isFigure: true,
      isWide: true,
      show: trouble(({ skippedPackets }) => skippedPackets),
    },
    { title: 'Address', by: 'address', isWide: true, show: text(({ address }) => address) },
    {
      title: 'Program',
      by: 'client',
      isWide: true,
      show: (cell, { client }) => {
        cell.classList.add('program');
        say(cell, client || 'on 9111');
        cell.title = client;
      },
    },
    { title: 'Close', show: (cell, session) => showClose(cell, session, close) },
  ];
}

function showUser(cell: HTMLTableCellElement, user: string): void {
  if (cell.textContent === user) return;
  const link = document.createElement('a');
  link.href = `#${new URLSearchParams({ user })}`;
  link.append(user);
  cell.replaceChildren(link);
}

function showClose(
  cell: HTMLTableCellElement,
  session: SessionStatus,
  close: (session: SessionStatus) => void,
): void {
  if (cell.firstChild !== null) return;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'small';
  button.append('Close');
  button.ariaLabel = `Close the session of ${session.user} on ${session.channel}`;
  // A row is one session's for as long as it stands.
  button.addEventListener('click', () => close(session));
  cell.append(button);
}
