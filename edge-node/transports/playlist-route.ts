import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { HttpError } from '../../shared/errors.ts';
import { type ChannelId, parseUserId } from '../../shared/ids.ts';
import type { TokenVerifier } from '../../shared/tokens/token-verifier.ts';
import type { ChannelNames } from './channel-names.ts';
import { playlist } from './playlist.ts';
import { type Query, tokenOf } from './watch-request.ts';

export interface PlaylistParts {
  readonly names: ChannelNames;
  /** The channels that there are now. */
  readonly present: () => Iterable<ChannelId>;
  readonly tokens: TokenVerifier;
  /** Where players reach this port; empty: where they asked. */
  readonly publicUrl: string;
}

type Asking = FastifyRequest<{ Querystring: Query }>;

/** Names, addresses of either kind, and a port: nothing that could end a URL's host. */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i;

/** `GET /playlist.m3u?user=&token=` (and `.m3u8`, for players that go by it): the channels that a user may watch. */
export function addPlaylistRoute(app: FastifyInstance, parts: PlaylistParts): void {
  const answer = (request: Asking, reply: FastifyReply) =>
    reply
      .header('cache-control', 'no-store')
      .header('referrer-policy', 'no-referrer')
      .type('audio/x-mpegurl; charset=utf-8')
      .send(playlistFor(request, parts));
  for (const path of ['/playlist.m3u', '/playlist.m3u8']) app.get(path, answer);
}

function playlistFor(request: Asking, { names, present, tokens, publicUrl }: PlaylistParts) {
  const { user } = request.query;
  const userId = typeof user === 'string' ? parseUserId(user) : undefined;
  const base = publicUrl || baseOf(request.headers.host);
  if (userId === undefined) throw new HttpError('bad_user_id');
  if (base === undefined) throw new HttpError('bad_request');
  const token = tokens.isRequired ? tokenOf(request) : undefined;
  const claims = token === undefined ? undefined : tokens.verify(token);
  if (tokens.isRequired && claims?.userId !== userId) throw new HttpError('bad_token');
  const listed = names.list(present());
  const allowed = claims?.channels;
  const channels = allowed ? listed.filter(({ id }) => allowed.has(id)) : listed;
  return playlist(channels, { base: base.replace(/\/+$/, ''), user: userId, token });
}

function baseOf(host: string | undefined): string | undefined {
  return host !== undefined && HOST.test(host) ? `http://${host}` : undefined;
}
