import { OPERATOR_PAGE_MAX_ROWS } from '../../../shared/limits.ts';
import type { Channel } from '../../channels/channel.ts';
import type { Session } from '../../delivery/session.ts';
import type { ChannelOrder, UserOrder } from '../snapshot.ts';
import type { ListQuery } from './listing.ts';

export const CHANNEL_KEYS: Readonly<Record<ChannelOrder, (channel: Channel) => string | number>> = {
  channel: ({ id }) => id,
  packetsPerSecond: ({ packetsPerSecond }) => packetsPerSecond,
  watchers: ({ watchers }) => watchers.size,
  lost: ({ counters }) => counters.lost,
  late: ({ counters }) => counters.late,
  skippedPackets: ({ skippedPackets }) => skippedPackets,
};

export const USER_KEYS: Readonly<Record<UserOrder, (session: Session) => string | number>> = {
  user: ({ userId }) => userId,
  channel: ({ channelId }) => channelId,
  address: ({ address }) => address,
  client: ({ client }) => client,
  // Who came first has been there for longest.
  connectedSeconds: ({ sinceMs }) => -sinceMs,
  seconds: ({ watchedPackets }) => watchedPackets,
  lagPackets: ({ lagPackets }) => lagPackets,
  skippedPackets: ({ skippedPackets }) => skippedPackets,
};

/** What an operator looks at: a page of the channels, and one of the users. */
export interface LiveQuery {
  readonly channels: ListQuery<ChannelOrder>;
  readonly users: ListQuery<UserOrder>;
}

type Query = Readonly<Record<string, unknown>>;

const DEFAULT_ROWS = 50;
const MAX_OFFSET = 1_000_000;

/**
 * Reads `channels=zato&channelsBy=-watchers&channelsFrom=50&channelsRows=50`, and `users…` alike; all may be left out.
 * Undefined where any is wrong.
 */
export function parseLiveQuery(query: Query): LiveQuery | undefined {
  const channels = parseList(query, 'channels', CHANNEL_KEYS, 'channel');
  const users = parseList(query, 'users', USER_KEYS, 'user');
  return channels && users && { channels, users };
}

function parseList<Order extends string>(
  query: Query,
  name: string,
  keys: Readonly<Record<Order, unknown>>,
  usual: Order,
): ListQuery<Order> | undefined {
  const search = query[name] ?? '';
  const order = query[`${name}By`] ?? usual;
  const offset = wholeNumber(query[`${name}From`] ?? '0', MAX_OFFSET);
  const limit = wholeNumber(query[`${name}Rows`] ?? String(DEFAULT_ROWS), OPERATOR_PAGE_MAX_ROWS);
  if (typeof search !== 'string' || typeof order !== 'string') return undefined;
  const by = (Object.keys(keys) as Order[]).find((key) => key === order.replace(/^-/, ''));
  if (by === undefined || offset === undefined || limit === undefined) return undefined;
  const isDescending = order.startsWith('-');
  return { search: search.trim().toLowerCase(), by, isDescending, offset, limit };
}

function wholeNumber(text: unknown, max: number): number | undefined {
  const value = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value <= max ? value : undefined;
}
