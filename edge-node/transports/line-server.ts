import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { bindEach } from '../../shared/bind.ts';
import type { Refusal } from '../../shared/errors.ts';
import { USER_KEEPALIVE_MS } from '../../shared/limits.ts';
import type { LogLimiter } from '../../shared/logger.ts';
import { emptyBacklog, LISTEN_BACKLOG } from '../../shared/net/backlog.ts';
import { bareAddress, peerAddress } from '../../shared/net/peer.ts';
import type { ConnectionRecord, Refused } from '../delivery/connection-record.ts';
import type { Entrance } from '../delivery/entrance.ts';
import type { StartAt } from '../delivery/session.ts';
import type { Sessions } from '../delivery/sessions.ts';
import type { Gate } from './gate.ts';
import { readHandshake } from './handshake.ts';
import type { Lobby } from './lobby.ts';
import type { UserLine } from './user-line.ts';

interface LineServerParts {
  readonly host: string;
  readonly port: number;
  readonly reusePort: boolean;
  readonly startAt: StartAt;
  /** What stands before the line; undefined: nothing. */
  readonly gate: Gate | undefined;
  readonly lobby: Lobby;
  /** Whether the line is to bring a token. */
  readonly takesToken: boolean;
  readonly entrance: Entrance;
  readonly sessions: Sessions;
  readonly record: ConnectionRecord;
  readonly limiter: LogLimiter;
}

/** The transport of 9111: accepts connections, reads the one line that a user sends, and begins their sessions. */
export class LineServer {
  readonly #parts: LineServerParts;
  #servers: Server[] = [];

  constructor(parts: LineServerParts) {
    this.#parts = parts;
  }

  /**
   * Listens; on `localhost` at each address that the name has and this machine too.
   * @throws the listener's error, such as EADDRINUSE
   */
  listen(): Promise<AddressInfo> {
    const { host, port } = this.#parts;
    return bindEach(host, port, (address, at) => this.#bind(address, at));
  }

  /**
   * Stops listening, and ends the connections that have no session. Whoever waits to be accepted is refused by line.
   */
  async close(): Promise<void> {
    await emptyBacklog(() => this.#parts.record.accepted);
    const closed = this.#servers.map((server) => new Promise((done) => server.close(done)));
    this.#parts.lobby.close();
    await Promise.all(closed);
  }

  async #bind(host: string, port: number): Promise<AddressInfo> {
    const server = createServer(
      {
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: USER_KEEPALIVE_MS,
      },
      (socket) => void this.#accept(socket),
    );
    const { limiter, reusePort } = this.#parts;
    await once(server.listen({ host, port, backlog: LISTEN_BACKLOG, reusePort }), 'listening');
    const at = server.address() as AddressInfo;
    server.on('error', (err) =>
      limiter.error('accepting a connection failed', { err, port: at.port }),
    );
    this.#servers.push(server);
    return at;
  }

  async #accept(raw: Socket): Promise<void> {
    const { gate, record } = this.#parts;
    record.accepted += 1;
    const socket = gate === undefined ? raw : await this.#open(raw, gate);
    if (socket === undefined) return;
    const greeting = this.#greet(socket);
    socket.resume();
    await greeting;
  }

  /** Meanwhile it is in the lobby as one that is silent; there is no way yet to tell it why it is refused. */
  async #open(raw: Socket, gate: Gate): Promise<Socket | undefined> {
    const { lobby, record, sessions } = this.#parts;
    const address = bareAddress(raw);
    let refused: Refusal | undefined;
    const giveUp = (refusal: Refusal) => {
      refused = refusal;
      raw.destroy();
    };
    const opening = gate.open(raw);
    if (!lobby.enter(raw, giveUp)) giveUp({ code: 'too_many_connections', cause: 'lobby' });
    const opened = await opening;
    lobby.leave(raw);
    if (opened.kind === 'open') return opened.socket;
    if (refused !== undefined) record.refused(refused, { address });
    else if (sessions.isDraining) record.closed('shutdown');
    else record.unopened(opened, address);
    return undefined;
  }

  async #greet(socket: Socket): Promise<void> {
    const { lobby, takesToken, sessions, record } = this.#parts;
    const address = peerAddress(socket);
    const refusal = sessions.refusalOfAll;
    if (refusal !== undefined) {
      this.#refuse(socket, refusal, { address });
      return;
    }
    const handshake = await readHandshake(socket, takesToken, (giveUp) => {
      if (!lobby.enter(socket, giveUp)) giveUp({ code: 'too_many_connections', cause: 'lobby' });
    });
    if (handshake.kind === 'refused') {
      this.#refuse(socket, handshake.refusal, { address });
    } else if (handshake.kind === 'line') {
      lobby.spoke(socket);
      await this.#welcome(socket, handshake.line, address, handshake.talkedBytes);
    } else {
      record.closed(sessions.isDraining ? 'shutdown' : handshake.reason);
    }
    lobby.leave(socket);
  }

  async #welcome(
    socket: Socket,
    { userId, channelId, token }: UserLine,
    address: string,
    talkedBytes: number,
  ): Promise<void> {
    const { startAt, entrance } = this.#parts;
    const request = { userId, channelId, address };
    // Between the line and the session nobody else looks after the socket.
    const onError = () => {};
    socket.on('error', onError);
    const entry = await entrance.enter(socket, request, token, () => {
      socket.off('error', onError);
      return { ...request, socket, startAt, client: '', talkedBytes };
    });
    if (typeof entry === 'object') {
      this.#refuse(socket, entry, { address, user: userId, channel: channelId });
    }
  }

  #refuse(socket: Socket, refusal: Refusal, who: Refused): void {
    this.#parts.record.refused(refusal, who);
    this.#parts.lobby.refuse(socket, refusal.code);
  }
}
