import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { bindEach } from '../bind.ts';
import type { SettingName } from '../config.ts';
import {
  HTTP_CLOSE_MS,
  HTTP_HEAD_MAX_BYTES,
  HTTP_KEEP_ALIVE_MS,
  HTTP_REQUEST_TIMEOUT_MS,
  HTTP_STALL_MS,
  HTTP_TIMEOUT_CHECK_MS,
} from '../limits.ts';
import { emptyBacklog, LISTEN_BACKLOG } from '../net/backlog.ts';
import { peerAddress } from '../net/peer.ts';
import { Connection, type Handler } from './connection.ts';
import { Connections, type ConnectionsOptions, type HttpCounts } from './connections.ts';
import { rawRefusal, refuse } from './error-body.ts';
import { createServer } from './node-http.ts';
import { isProbe } from './probes.ts';

/** Settings of ports that HTTP is served on: all but those of other protocols. */
export type HttpPort = Exclude<
  Extract<SettingName, `${string}_PORT`>,
  'STREAM_PORT' | 'GATEWAY_PORT' | 'CHANNEL_SOURCE_PORT' | 'DB_PORT'
>;

export interface HttpListenerOptions extends ConnectionsOptions {
  readonly setting: HttpPort;
  /** Given one request of a connection at a time. */
  readonly handler: Handler;
  /** Whether other processes listen on the same port. */
  readonly reusePort?: boolean;
  /** What comes before a connection's first request: resolves with the paused socket that requests come by, if any do. */
  readonly open?: Open;
}

type Open = (raw: Socket) => Promise<Socket | undefined>;

const SERVER_OPTIONS = {
  maxHeaderSize: HTTP_HEAD_MAX_BYTES,
  headersTimeout: HTTP_REQUEST_TIMEOUT_MS,
  requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: HTTP_TIMEOUT_CHECK_MS,
  keepAliveTimeout: HTTP_KEEP_ALIVE_MS,
  // Node's own answer would have no body.
  requireHostHeader: false,
} as const;

function hostHeaders({ rawHeaders }: IncomingMessage): number {
  return rawHeaders.filter((text, i) => i % 2 === 0 && text.toLowerCase() === 'host').length;
}

/**
 * The HTTP ports of the service, functions' and the operators' alike: one policy for all that a client may do to them,
 * whatever address it comes in by. What an answer says is the handler's.
 *
 * A request has its limits in size and time; a connection has one request under way at a time; there are never more
 * connections than were allowed for. A stop is announced before it comes: for a while each answer says
 * `connection: close`, and only then the port goes, since a client cannot tell a request that a closing connection
 * never heard from one that was lost.
 */
export class HttpListener {
  readonly #options: HttpListenerOptions;
  readonly #connections: Connections;
  /** Those of them that no request can come by yet. */
  readonly #opening = new Set<Socket>();
  readonly #drained = new AbortController();
  #servers: TcpServer[] = [];
  #isDraining = false;

  constructor(options: HttpListenerOptions) {
    this.#options = options;
    this.#connections = new Connections(options);
  }

  get counts(): HttpCounts {
    return this.#connections.counts;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /**
   * Listens; on `localhost` at each address that the name has and this machine too.
   * @throws the listener's error, such as EADDRINUSE
   */
  listen(host: string, port: number): Promise<AddressInfo> {
    return bindEach(host, port, (address, at) => this.#bind(address, at));
  }

  /**
   * Lets go of a connection, in the turn in which someone else takes it: it counts no more, and neither another request
   * nor FIN nor silence means anything to HTTP on it.
   */
  release(socket: Socket): void {
    this.#connections.release(socket);
    // `close` stays: by it Node frees the parser.
    for (const event of ['data', 'end', 'drain', 'error', 'timeout']) {
      socket.removeAllListeners(event);
    }
    socket.setTimeout(0);
    // Whoever has sent another request is paused, and only a listener of HTTP's would have it read again.
    socket._read(0);
  }

  /** Answers for `ms` with `connection: close`; or until hurried. */
  async drain(ms: number): Promise<void> {
    this.#isDraining = true;
    for (const connection of this.#connections) connection.closeWithNextAnswer();
    await sleep(ms, undefined, { signal: this.#drained.signal }).catch(() => {});
  }

  /** Cuts a drain short. */
  hurry(): void {
    this.#drained.abort();
  }

  /**
   * Idle connections end at once, the others once they are answered, or when that takes too long; whoever waits to be
   * accepted is one of the others.
   */
  async close(): Promise<void> {
    await this.drain(0);
    await emptyBacklog(() => this.counts.accepted);
    for (const raw of this.#opening) raw.destroy();
    const late = setTimeout(() => this.#destroyAll(), HTTP_CLOSE_MS);
    await Promise.all(this.#servers.map((server) => new Promise((done) => server.close(done))));
    clearTimeout(late);
  }

  async #bind(host: string, port: number): Promise<AddressInfo> {
    const server = createServer(SERVER_OPTIONS, (request, response) =>
      this.#take(request, response),
    );
    server.setTimeout(HTTP_STALL_MS);
    server.on('connection', (socket) => this.#connected(socket));
    // Whatever a client expects beyond `100-continue` is passed over.
    server.on('checkExpectation', (request, response) => this.#take(request, response));
    // Node has taken its listeners off this one, and `clientError` comes with one for errors.
    server.on('connect', (_request, socket) => {
      this.#refuseBytes(socket.on('error', () => {}) as Socket);
    });
    server.on('clientError', (_error, socket) => this.#refuseBytes(socket as Socket));
    const { open, reusePort = false } = this.#options;
    const listener = open === undefined ? server : this.#behind(server, open);
    await once(listener.listen({ port, host, backlog: LISTEN_BACKLOG, reusePort }), 'listening');
    listener.on('error', (err) => this.#tell('error', 'accepting a connection failed', { err }));
    this.#servers.push(listener);
    return listener.address() as AddressInfo;
  }

  /** What listens for a server whose connections have to be opened first. */
  #behind(server: Server, open: Open): TcpServer {
    // Its time limits begin by that.
    server.emit('listening');
    this.#servers.push(server);
    return createTcpServer({ allowHalfOpen: true, noDelay: true }, async (raw) => {
      if (!this.#admit(raw)) return;
      this.#opening.add(raw);
      const socket = await open(raw);
      this.#opening.delete(raw);
      this.#connections.release(raw);
      if (socket === undefined) return;
      server.emit('connection', socket);
      socket.resume();
    });
  }

  #connected(socket: Socket): void {
    // Where it had to be opened first, it was admitted before that.
    if (this.#options.open === undefined) this.#admit(socket);
    else this.#keep(socket);
  }

  /** @returns whether the connection may stay */
  #admit(socket: Socket): boolean {
    const isRoom = this.#connections.admits();
    if (isRoom) this.#keep(socket);
    else if (this.#connections.admitsBeyond()) this.#keepBeyond(socket);
    else this.#connections.turnAway(socket, this.#options.open === undefined);
    return isRoom;
  }

  #keep(socket: Socket): void {
    const rested = () => this.#connections.rested(connection);
    const connection = new Connection(socket, this.#serve, rested);
    if (this.#isDraining) connection.closeWithNextAnswer();
    this.#connections.keep(connection);
  }

  #keepBeyond(socket: Socket): void {
    const connection = new Connection(socket, this.#serveProbe, () => {});
    connection.closeWithNextAnswer();
    this.#connections.keepBeyond(connection);
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const connection = this.#connections.of(socket);
    if (connection === undefined || socket.destroyed) return;
    if (connection.take(request, response)) return;
    this.counts.flooding += 1;
    this.#tell('warn', 'closed an HTTP connection that sent requests without awaiting answers', {
      address: peerAddress(socket),
    });
    socket.destroy();
  }

  readonly #serve: Handler = (request, response) => {
    const hosts = hostHeaders(request);
    if (hosts > 1 || (hosts === 0 && request.httpVersion === '1.1'))
      refuse(response, 'bad_request');
    else this.#options.handler(request, response);
  };

  readonly #serveProbe: Handler = (request, response) => {
    if (isProbe(request.url)) this.#serve(request, response);
    else this.#connections.turnAway(request.socket, true);
  };

  /** Answers what is no request of ours; where an answer is under way, that one is the connection's last. */
  #refuseBytes(socket: Socket): void {
    const connection = this.#connections.of(socket);
    // A request that had begun before its connection was let go of is nobody's, though Node still times it.
    if (connection === undefined) return;
    if (connection.owesAnswer) {
      connection.closeWithNextAnswer();
      return;
    }
    if (socket.writable && !connection.isAnswering) socket.write(rawRefusal('bad_request'));
    socket.destroySoon();
  }

  #tell(level: 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>): void {
    const { limiter, setting } = this.#options;
    limiter[level](message, { port: setting, ...fields }, setting);
  }

  #destroyAll(): void {
    for (const { socket } of this.#connections) socket.destroy();
  }
}

/** Connections that were closed for the sake of others, as a metric tells them. */
export function closedByReason({ counts }: HttpListener) {
  return [
    [{ reason: 'made_room' }, counts.madeRoom],
    [{ reason: 'turned_away' }, counts.turnedAway],
    [{ reason: 'flooding' }, counts.flooding],
  ] as const;
}
