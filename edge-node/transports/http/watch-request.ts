import { type ChannelId, parseChannelId, parseUserId, type UserId } from '../../../shared/ids.ts';
import { bearerToken } from '../../../shared/tokens/bearer.ts';
import type { StartAt } from '../../delivery/session.ts';

/** What a `GET /watch/{channel}[.ts]?user=&start=` asks for. */
export interface WatchRequest {
  readonly userId: UserId;
  readonly channelId: ChannelId;
  readonly startAt: StartAt;
}

/** A query as the server has decoded it: a name that comes twice has a list. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Players add `.ts` to guess the format by; it belongs to no channel. */
const SUFFIX = /\.ts$/;

/** Reads a request's path parameter and query; undefined where either is not what it must be. */
export function parseWatchRequest(
  channel: string,
  query: Query,
  defaultStart: StartAt,
): WatchRequest | undefined {
  const channelId = parseChannelId(channel.replace(SUFFIX, ''));
  const userId = typeof query.user === 'string' ? parseUserId(query.user) : undefined;
  const startAt = parseStart(query.start ?? defaultStart);
  if (channelId === undefined || userId === undefined || startAt === undefined) return undefined;
  return { userId, channelId, startAt };
}

function parseStart(start: string | readonly string[]): StartAt | undefined {
  return start === 'live' || start === 'entry' ? start : undefined;
}

/** The token that comes with a request: in a header, or for players that can only open a URL, in the query. */
export function tokenOf(request: {
  readonly headers: { readonly authorization?: string | undefined };
  readonly query: Query;
}): string | undefined {
  const { token } = request.query;
  return (
    bearerToken(request.headers.authorization) ?? (typeof token === 'string' ? token : undefined)
  );
}
