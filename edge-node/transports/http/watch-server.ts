import type { AddressInfo, Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Refusal, WATCH_REFUSALS } from '../../../shared/errors.ts';
import { HttpApp } from '../../../shared/http/http-app.ts';
import { addWebPage } from '../../../shared/http/web-page.ts';
import { CLIENT_NAME_MAX_CHARS, USER_KEEPALIVE_MS } from '../../../shared/limits.ts';
import type { LogLimiter } from '../../../shared/logger.ts';
import { bareAddress, peerAddress } from '../../../shared/net/peer.ts';
import type { Room } from '../../../shared/net/room.ts';
import type { Store } from '../../../shared/store/store.ts';
import type { ConnectionRecord, Refused } from '../../delivery/connection-record.ts';
import type { Entrance } from '../../delivery/entrance.ts';
import type { StartAt } from '../../delivery/session.ts';
import type { Connection, Sessions } from '../../delivery/sessions.ts';
import type { Gate } from '../gate.ts';
import { addListRoutes, type ListParts } from './list-routes.ts';
import { addRegisterRoute } from './register-route.ts';
import { streamHead } from './stream-head.ts';
import { parseWatchRequest, type Query, tokenOf, type WatchRequest } from './watch-request.ts';

interface WatchServerParts {
  readonly host: string;
  readonly port: number;
  readonly reusePort: boolean;
  readonly startAt: StartAt;
  /** The origin whose pages may read a stream; empty: none. */
  readonly corsOrigin: string;
  /** What bounds connections without a session. */
  readonly room: Room;
  /** What stands before a request; undefined: nothing. */
  readonly gate: Gate | undefined;
  readonly lists: ListParts;
  /** Whether the page may register users, in this store. */
  readonly registration: 'open' | 'closed';
  readonly store: Pick<Store, 'register'>;
  readonly entrance: Entrance;
  readonly sessions: Pick<Sessions, 'isDraining'>;
  readonly record: ConnectionRecord;
  readonly limiter: LogLimiter;
}

/** Who begins to watch, from where, and by what program. */
interface Watching extends WatchRequest {
  readonly address: string;
  readonly agent: string | undefined;
}

type Asking = FastifyRequest<{ Params: { channel: string }; Querystring: Query }>;

const PATH = '/watch/:channel';
/** A target by that path, whatever the method is. */
const ONE_CHANNEL = /^\/watch\/[^/?]+(\?|$)/;

type WatchRefusal = Refusal<keyof typeof WATCH_REFUSALS>;

const RETRY_AFTER_S = 1;
const MADE_ROOM = { code: 'too_many_connections', cause: 'silent' } as const;

/**
 * The transport of 9113: `GET /watch/{channel}` is answered with the channel's payload for as long as it is watched.
 * HTTP ends with the head of the answer: from then on the connection is a session like any other. What finds the
 * channels stands beside it: the playlist, their list, and the player page.
 */
export class WatchServer {
  readonly #parts: WatchServerParts;
  readonly #app: HttpApp;
  readonly #head: string;
  /** Those that were closed for a newcomer. */
  readonly #madeRoom = new WeakSet<Socket>();

  constructor(parts: WatchServerParts) {
    this.#parts = parts;
    const { gate } = parts;
    this.#head = streamHead(parts.corsOrigin);
    this.#app = new HttpApp({
      setting: 'WATCH_PORT',
      room: parts.room,
      onTurnedAway: (raw) => this.#turnedAway(raw),
      onMadeRoom: (raw) => this.#madeRoom.add(raw),
      reusePort: parts.reusePort,
      limiter: parts.limiter,
      ...(gate && { open: (raw) => this.#open(raw, gate) }),
      exposeHeadRoutes: false,
      allowOf: (url) => (ONE_CHANNEL.test(url) ? 'GET, HEAD' : undefined),
    });
    const { routes } = this.#app;
    routes.get(PATH, (request: Asking, reply) => this.#watch(request, reply));
    routes.head(PATH, (request: Asking, reply) => this.#describe(request, reply));
    if (parts.corsOrigin !== '') {
      routes.addHook('onRequest', async (_request, reply) => {
        reply.header('access-control-allow-origin', parts.corsOrigin).header('vary', 'Origin');
      });
    }
    addListRoutes(routes, parts.lists);
    addRegisterRoute(routes, parts.registration, parts.store);
  }

  /** @throws the listener's error, such as EADDRINUSE */
  async listen(): Promise<AddressInfo> {
    await addWebPage(this.#app.routes, 'player');
    return this.#app.listen(this.#parts.host, this.#parts.port);
  }

  /** Stops listening; what is asked meanwhile is refused. Sessions are not its own. */
  close(): Promise<void> {
    return this.#app.close();
  }

  async #open(raw: Socket, gate: Gate): Promise<Socket | undefined> {
    const address = bareAddress(raw);
    const opened = await gate.open(raw);
    if (opened.kind === 'open') return opened.socket;
    const { record, sessions } = this.#parts;
    record.accepted += 1;
    if (this.#madeRoom.has(raw)) record.refused(MADE_ROOM, { address });
    else if (sessions.isDraining) record.closed('shutdown');
    else record.unopened(opened, address);
    return undefined;
  }

  #turnedAway(raw: Socket): void {
    const { record } = this.#parts;
    record.accepted += 1;
    const refusal = { code: 'too_many_connections', cause: 'lobby' } as const;
    record.refused(refusal, { address: bareAddress(raw) });
  }

  async #watch(request: Asking, reply: FastifyReply): Promise<void> {
    const { entrance, record } = this.#parts;
    const { socket } = request.raw;
    const address = peerAddress(socket);
    record.accepted += 1;
    const asked = this.#parse(request);
    if (asked === undefined) {
      this.#refuse(reply, { code: 'malformed' }, { address });
      return;
    }
    // Node would close the connection at the user's FIN; but a user who has closed its side may still be watching.
    socket.removeAllListeners('end');
    const agent = request.headers['user-agent'];
    const entry = await entrance.enter(socket, { ...asked, address }, tokenOf(request), () =>
      this.#claim(socket, reply, { ...asked, address, agent }),
    );
    if (entry === 'gone') reply.hijack();
    else if (typeof entry === 'object') {
      this.#refuse(reply, entry, { address, user: asked.userId, channel: asked.channelId });
    }
  }

  #claim(socket: Socket, reply: FastifyReply, { agent, ...request }: Watching): Connection {
    reply.hijack();
    this.#app.listener.release(socket);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, USER_KEEPALIVE_MS);
    socket.write(this.#head);
    return { ...request, socket, client: programOf(agent), talkedBytes: 0 };
  }

  /** What a GET would be answered with, without a session; whether the user may watch is not looked up. */
  #describe(request: Asking, reply: FastifyReply): void {
    if (this.#parse(request) === undefined) {
      reply.code(WATCH_REFUSALS.malformed.status).send();
      return;
    }
    reply.hijack();
    const { socket } = request.raw;
    socket.write(this.#head);
    // No answer of Node's ends here, and so nobody else would close: the peer's FIN is not waited for.
    socket.destroySoon();
  }

  #parse(request: Asking): WatchRequest | undefined {
    if (hasBody(request)) return undefined;
    return parseWatchRequest(request.params.channel, request.query, this.#parts.startAt);
  }

  #refuse(reply: FastifyReply, refusal: WatchRefusal, who: Refused): void {
    this.#parts.record.refused(refusal, who);
    const { status, message } = WATCH_REFUSALS[refusal.code];
    reply.code(status).header('connection', 'close').header('cache-control', 'no-store');
    if (status === 503) reply.header('retry-after', RETRY_AFTER_S);
    reply.send({ code: refusal.code, message });
  }
}

/**
 * What a player calls itself, as far as it is kept. A text of its own: a part of the header would keep all of it in
 * memory for as long as the session lasts.
 */
function programOf(agent = ''): string {
  return Buffer.from(agent.slice(0, CLIENT_NAME_MAX_CHARS), 'latin1').toString('latin1');
}

/** A request that carries a body, or says that it will: what follows the head would not be the next request. */
function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
