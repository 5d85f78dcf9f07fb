import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { RefusalCode } from '../../shared/errors.ts';
import { RESERVED_FILES, USER_BACKLOG, USER_KEEPALIVE_MS } from '../../shared/limits.ts';
import type { LogLimiter } from '../../shared/logger.ts';
import type { ConnectionCounts } from './connection-counts.ts';
import { readHandshake, refuse } from './handshake.ts';
import type { Registrations } from './registrations.ts';
import type { Sessions } from './sessions.ts';

interface LineServerParts {
  readonly host: string;
  readonly port: number;
  readonly sessions: Sessions;
  readonly registrations: Registrations;
  readonly counts: ConnectionCounts;
  readonly log: LogLimiter;
}

/** Refused connections that may linger at once: half of the files kept for everything but users. */
const MAX_LINGERING = RESERVED_FILES / 2;

/** The transport of 9111: accepts connections, reads the one line that a user sends, and begins their sessions. */
export class LineServer {
  readonly #parts: LineServerParts;
  readonly #server: Server;
  /** Connections before their session begins. */
  readonly #arriving = new Set<Socket>();
  #lingering = 0;

  constructor(parts: LineServerParts) {
    this.#parts = parts;
    this.#server = createServer(
      {
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: USER_KEEPALIVE_MS,
      },
      (socket) => void this.#accept(socket),
    );
  }

  /** @throws the listener's error, such as EADDRINUSE */
  async listen(): Promise<AddressInfo> {
    const { host, port, log } = this.#parts;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, backlog: USER_BACKLOG }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (err) => log.error('a user could not be accepted', { err }));
        resolve();
      });
    });
    return this.#server.address() as AddressInfo;
  }

  /** Stops listening, and ends the connections that have no session. */
  close(): Promise<void> {
    for (const socket of this.#arriving) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #accept(socket: Socket): Promise<void> {
    const { sessions, counts } = this.#parts;
    counts.accepted += 1;
    if (sessions.isDraining) {
      this.#refuse(socket, 'shutting_down');
    } else if (sessions.isOverloaded || sessions.size + this.#arriving.size >= sessions.maxUsers) {
      this.#refuse(socket, 'too_many_connections');
    } else {
      this.#arriving.add(socket);
      await this.#welcome(socket);
      this.#arriving.delete(socket);
    }
  }

  async #welcome(socket: Socket): Promise<void> {
    const { sessions, registrations, counts } = this.#parts;
    const handshake = await readHandshake(socket);
    if (handshake.kind === 'gone') {
      counts.closed(sessions.isDraining ? 'shutdown' : handshake.reason);
      return;
    }
    if (handshake.kind === 'refused') {
      this.#refuse(socket, handshake.code);
      return;
    }
    // Between the line and the session nobody else looks after the socket.
    const onError = () => {};
    socket.on('error', onError);
    const registration = await registrations.check(handshake.line.userId);
    if (socket.destroyed) {
      counts.closed(sessions.isDraining ? 'shutdown' : 'client_reset');
      return;
    }
    const { userId, channelId } = handshake.line;
    const refusal = registration === 'registered' ? sessions.admit(userId) : registration;
    if (refusal !== undefined) {
      this.#refuse(socket, sessions.isDraining ? 'shutting_down' : refusal);
      return;
    }
    socket.off('error', onError);
    sessions.begin({ socket, userId, channelId, talkedBytes: handshake.talkedBytes });
  }

  #refuse(socket: Socket, code: RefusalCode): void {
    this.#parts.counts.refused(code);
    if (this.#lingering >= MAX_LINGERING) {
      socket.on('error', () => {}).resetAndDestroy();
      return;
    }
    this.#lingering += 1;
    socket.on('close', () => {
      this.#lingering -= 1;
    });
    refuse(socket, code);
  }
}
