import { setImmediate as polled } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { HttpError } from '../../../shared/errors.ts';
import { type ChannelId, parseUserId, type UserId } from '../../../shared/ids.ts';
import { peerAddress } from '../../../shared/net/peer.ts';
import type { TokenVerifier } from '../../../shared/tokens/token-verifier.ts';
import type { ConnectionRecord } from '../../delivery/connection-record.ts';
import type { ChannelNames } from './channel-names.ts';
import { InTurn } from './in-turn.ts';
import { type ListedChannel, playlist } from './playlist.ts';
import { type Query, tokenOf } from './watch-request.ts';

export interface ListParts {
  readonly names: ChannelNames;
  /** The channels that there are now. */
  readonly present: () => Iterable<ChannelId>;
  readonly tokens: TokenVerifier;
  readonly record: Pick<ConnectionRecord, 'listRefused'>;
  /** Where players reach this port; empty: where they asked. */
  readonly publicUrl: string;
  /** Whether this port speaks TLS. */
  readonly isSecure: boolean;
}

/** Who asked, and what they may watch. */
interface Listing {
  readonly user: UserId;
  readonly token: string | undefined;
  readonly channels: readonly ListedChannel[];
}

type Asking = FastifyRequest<{ Querystring: Query }>;

/** Names, addresses of either kind, and a port: nothing that could end a URL's host. */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i;

/**
 * The channels that a user may watch: `GET /playlist.m3u?user=&token=` (and `.m3u8`, for players that go by it), and
 * `GET /channels?user=&token=` as JSON, which tells too whether each is there now.
 */
export function addListRoutes(app: FastifyInstance, parts: ListParts): void {
  // Thousands of channels take milliseconds to list: one list in each turn of the event loop, so that viewers are
  // served in between, however many ask at once.
  const lists = new InTurn();
  const inTurn = <T>({ raw }: Asking, list: () => T): Promise<T | undefined> =>
    lists.run(async () => {
      if (raw.socket.destroyed) return undefined; // nobody waits for it any more
      await polled();
      return list();
    });
  const answerM3u = async (request: Asking, reply: FastifyReply) =>
    unstored(reply)
      .type('audio/x-mpegurl; charset=utf-8')
      .send(await inTurn(request, () => playlistFor(request, parts)));
  const answerJson = async (request: Asking, reply: FastifyReply) =>
    unstored(reply).send({ channels: await inTurn(request, () => channelsFor(request, parts)) });
  // Who asks with HEAD is answered as with GET, but for the body.
  const asGet = { exposeHeadRoute: true };
  for (const path of ['/playlist.m3u', '/playlist.m3u8']) app.get(path, asGet, answerM3u);
  app.get('/channels', asGet, answerJson);
}

const unstored = (reply: FastifyReply): FastifyReply =>
  reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');

function playlistFor(request: Asking, parts: ListParts): string {
  const { user, token, channels } = listingFor(request, parts);
  const base = parts.publicUrl || baseOf(request.headers.host, parts.isSecure);
  if (base === undefined) throw new HttpError('bad_request');
  return playlist(channels, { base: base.replace(/\/+$/, ''), user, token });
}

function channelsFor(request: Asking, parts: ListParts) {
  const live = new Set(parts.present());
  const { channels } = listingFor(request, parts);
  return channels.map(({ id, name, group }) => ({ id, name, group, live: live.has(id) }));
}

function listingFor(request: Asking, { names, present, tokens, record }: ListParts): Listing {
  const { user } = request.query;
  const userId = typeof user === 'string' ? parseUserId(user) : undefined;
  if (userId === undefined) throw new HttpError('bad_user_id');
  const token = tokens.isRequired ? tokenOf(request) : undefined;
  const claims = tokens.isRequired ? tokens.claimsOf(token, userId) : undefined;
  if (typeof claims === 'string') {
    record.listRefused(claims, { address: peerAddress(request.raw.socket), user: userId });
    throw new HttpError('bad_token');
  }
  const listed = names.list(present());
  const allowed = claims?.channels;
  const channels = allowed ? listed.filter(({ id }) => allowed.has(id)) : listed;
  return { user: userId, token, channels };
}

function baseOf(host: string | undefined, isSecure: boolean): string | undefined {
  const scheme = isSecure ? 'https' : 'http';
  return host !== undefined && HOST.test(host) ? `${scheme}://${host}` : undefined;
}
