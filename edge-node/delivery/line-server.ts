import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../shared/clock.ts';
import type { Config } from '../../shared/config.ts';
import type { CloseReason, RefusalCode } from '../../shared/errors.ts';
import type { UserId } from '../../shared/ids.ts';
import { RESERVED_FILES, USER_BACKLOG, USER_KEEPALIVE_MS } from '../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../shared/logger.ts';
import type { ChannelDirectory } from '../channels/channel-directory.ts';
import type { UsageMeter } from '../usage/meter.ts';
import { readHandshake, refuse } from './handshake.ts';
import type { Registrations } from './registrations.ts';
import { Session } from './session.ts';
import type { Turns } from './turns.ts';
import type { UserLine } from './user-line.ts';

interface UserServerParts {
  readonly config: Config;
  /** Connections at once: users, and those who have not sent their line yet. */
  readonly maxUsers: number;
  readonly channels: ChannelDirectory;
  readonly registrations: Registrations;
  readonly meter: UsageMeter;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly log: LogLimiter;
}

/** Refused connections that may linger at once: half of the files kept for everything but users. */
const MAX_LINGERING = RESERVED_FILES / 2;
const DRAIN_STEP_MS = 50;

/** Accepts users on 9111, asks who they are, and holds their sessions. */
export class LineServer {
  readonly #parts: UserServerParts;
  readonly #server: Server;
  readonly #sessions = new Set<Session>();
  readonly #sessionsOf = new Map<UserId, Set<Session>>();
  /** Connections before their session begins. */
  readonly #arriving = new Set<Socket>();
  #lingering = 0;
  #draining = false;
  #hurried = false;
  accepted = 0;
  readonly closes = new Map<CloseReason, number>();
  readonly refusals = new Map<RefusalCode, number>();

  constructor(parts: UserServerParts) {
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

  get sessions(): ReadonlySet<Session> {
    return this.#sessions;
  }

  get maxUsers(): number {
    return this.#parts.maxUsers;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** @throws the listener's error, such as EADDRINUSE */
  async listen(): Promise<AddressInfo> {
    const { config, log } = this.#parts;
    const { STREAM_HOST: host, STREAM_PORT: port } = config;
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

  /** Closes sessions that are gone or stuck. Call it every second. */
  sweep(nowMs: number): void {
    for (const session of this.#sessions) session.sweep(nowMs);
  }

  /** Refuses new users, closes all others, spread over DRAIN_MS, and resolves once everyone has gone. */
  async drain(): Promise<void> {
    this.#draining = true;
    const { clock, config } = this.#parts;
    const beganMs = clock.monotonicMs();
    const sessions = [...this.#sessions];
    // By the clock and not by steps: those of a busy loop are late, and the time until SIGKILL is not.
    for (let closed = 0; closed < sessions.length; ) {
      const part = (clock.monotonicMs() - beganMs + DRAIN_STEP_MS) / Math.max(config.DRAIN_MS, 1);
      const due = Math.ceil(sessions.length * (this.#hurried ? 1 : Math.min(part, 1)));
      for (const session of sessions.slice(closed, due)) session.shutDown();
      closed = due;
      await sleep(DRAIN_STEP_MS);
    }
    while (this.#sessions.size > 0) await sleep(DRAIN_STEP_MS);
    for (const socket of this.#arriving) socket.destroy();
  }

  /** Lets a draining end at once. */
  hurry(): void {
    this.#hurried = true;
  }

  /** Stops listening. */
  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #accept(socket: Socket): Promise<void> {
    this.accepted += 1;
    if (this.#draining) {
      this.#refuse(socket, 'shutting_down');
    } else if (this.#sessions.size + this.#arriving.size >= this.#parts.maxUsers) {
      this.#refuse(socket, 'too_many_connections');
    } else {
      this.#arriving.add(socket);
      await this.#welcome(socket);
      this.#arriving.delete(socket);
    }
  }

  async #welcome(socket: Socket): Promise<void> {
    const handshake = await readHandshake(socket);
    if (handshake.kind === 'gone') {
      this.#countClose(this.#draining ? 'shutdown' : handshake.reason);
      return;
    }
    if (handshake.kind === 'refused') {
      this.#refuse(socket, handshake.code);
      return;
    }
    // Between the line and the session nobody else looks after the socket.
    const onError = () => {};
    socket.on('error', onError);
    const registration = await this.#parts.registrations.check(handshake.line.userId);
    if (socket.destroyed) {
      this.#countClose(this.#draining ? 'shutdown' : 'client_reset');
    } else if (this.#draining) {
      this.#refuse(socket, 'shutting_down');
    } else if (registration !== 'registered') {
      this.#refuse(socket, registration);
    } else if (!this.#hasRoomFor(handshake.line.userId)) {
      this.#refuse(socket, 'too_many_connections');
    } else {
      socket.off('error', onError);
      this.#begin(socket, handshake.line, handshake.talkedBytes);
    }
  }

  /**
   * Whether a user may have one more session. At the limit one that the user has most likely left makes room: players
   * that close and connect again, over and over while a channel is silent, must not lock themselves out.
   */
  #hasRoomFor(userId: UserId): boolean {
    const sessions = this.#sessionsOf.get(userId);
    if (sessions === undefined || sessions.size < this.#parts.config.MAX_SESSIONS_PER_USER)
      return true;
    const abandoned = sessions.values().find((session) => session.isAbandoned);
    abandoned?.abandon();
    return abandoned !== undefined;
  }

  #begin(socket: Socket, { userId, channelId }: UserLine, talkedBytes: number): void {
    const { config, channels, meter, turns, clock } = this.#parts;
    const session = new Session({
      socket,
      userId,
      channelId,
      startAt: config.START_AT,
      tally: meter.open(userId, channelId),
      turns,
      clock,
      stallMs: config.USER_STALL_MS,
      talkedBytes,
      onClosed: (_, reason) => this.#end(session, reason),
    });
    this.#sessions.add(session);
    const others = this.#sessionsOf.get(userId);
    if (others === undefined) this.#sessionsOf.set(userId, new Set([session]));
    else others.add(session);
    channels.watch(channelId, session);
  }

  #end(session: Session, reason: CloseReason): void {
    const { channels, clock, config, logger } = this.#parts;
    const { userId, channelId } = session;
    const nowMs = clock.monotonicMs();
    this.#sessions.delete(session);
    const others = this.#sessionsOf.get(userId);
    if (others?.delete(session) && others.size === 0) this.#sessionsOf.delete(userId);
    channels.unwatch(channelId, session, nowMs);
    this.#countClose(reason);
    logger.info(
      {
        user: userId,
        channel: channelId,
        reason,
        seconds: (session.watchedPackets * config.PACKET_DURATION_MS) / 1000,
        connectedSeconds: Math.round((nowMs - session.sinceMs) / 1000),
        skipped: session.skippedPackets,
      },
      'session ended',
    );
  }

  #refuse(socket: Socket, code: RefusalCode): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
    this.#countClose('refused');
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

  #countClose(reason: CloseReason): void {
    this.closes.set(reason, (this.closes.get(reason) ?? 0) + 1);
  }
}
