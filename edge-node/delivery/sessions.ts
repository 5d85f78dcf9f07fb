import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../shared/clock.ts';
import type { Config } from '../../shared/config.ts';
import type { CloseReason, RefusalCode } from '../../shared/errors.ts';
import type { ChannelId, UserId } from '../../shared/ids.ts';
import type { Logger } from '../../shared/logger.ts';
import type { ChannelDirectory } from '../channels/channel-directory.ts';
import type { UsageMeter } from '../usage/meter.ts';
import type { ConnectionCounts } from './connection-counts.ts';
import { inSlices } from './in-slices.ts';
import type { Overload } from './overload.ts';
import { Session } from './session.ts';
import type { Turns } from './turns.ts';

interface SessionsParts {
  readonly config: Pick<
    Config,
    'DRAIN_MS' | 'MAX_SESSIONS_PER_USER' | 'PACKET_DURATION_MS' | 'START_AT' | 'USER_STALL_MS'
  >;
  /** Sessions at once. */
  readonly maxUsers: number;
  readonly channels: ChannelDirectory;
  readonly counts: ConnectionCounts;
  readonly meter: UsageMeter;
  readonly turns: Turns;
  readonly overload: Overload;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A connection that a transport has read a request from, and whose peer now gets payload bytes only. */
export interface Connection {
  readonly socket: Socket;
  readonly userId: UserId;
  readonly channelId: ChannelId;
  /** What the user had sent behind its request already. */
  readonly talkedBytes: number;
}

const DRAIN_STEP_MS = 50;

/**
 * All users who watch, whatever transport they came by. A transport finds out who the user is, asks `admit`, and
 * calls `begin` in the same turn, before anyone else can take the place.
 */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #all = new Set<Session>();
  readonly #ofUser = new Map<UserId, Set<Session>>();
  #draining = false;
  #hurried = false;
  #isSweeping = false;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  get all(): ReadonlySet<Session> {
    return this.#all;
  }

  get size(): number {
    return this.#all.size;
  }

  get maxUsers(): number {
    return this.#parts.maxUsers;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** Those who are in take all that the node can do: whoever comes now is refused. */
  get isOverloaded(): boolean {
    return this.#parts.overload.isOverloaded(this.#parts.clock.monotonicMs());
  }

  /** Whether a registered user may begin a session now; why not, where not. */
  admit(userId: UserId): RefusalCode | undefined {
    if (this.#draining) return 'shutting_down';
    if (this.isOverloaded) return 'too_many_connections';
    return this.#hasRoomFor(userId) ? undefined : 'too_many_connections';
  }

  /** Begins the session of a user who was admitted. The socket, its events too, is the session's from now on. */
  begin({ socket, userId, channelId, talkedBytes }: Connection): void {
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
      onClosed: (ended, reason) => this.#ended(ended, reason),
    });
    this.#all.add(session);
    const others = this.#ofUser.get(userId);
    if (others === undefined) this.#ofUser.set(userId, new Set([session]));
    else others.add(session);
    channels.watch(channelId, session);
  }

  /** Closes sessions that are gone or stuck. Call it every second. */
  sweep(nowMs: number): void {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    void inSlices(this.#all, this.#parts.clock, (session) => session.sweep(nowMs)).then(() => {
      this.#isSweeping = false;
    });
  }

  /** Refuses new users, closes all others, spread over DRAIN_MS, and resolves once everyone has gone. */
  async drain(): Promise<void> {
    this.#draining = true;
    const { clock, config } = this.#parts;
    const beganMs = clock.monotonicMs();
    const sessions = [...this.#all];
    // By the clock and not by steps: those of a busy loop are late, and the time until SIGKILL is not.
    for (let closed = 0; closed < sessions.length; ) {
      const part = (clock.monotonicMs() - beganMs + DRAIN_STEP_MS) / Math.max(config.DRAIN_MS, 1);
      const due = Math.ceil(sessions.length * (this.#hurried ? 1 : Math.min(part, 1)));
      await inSlices(sessions.slice(closed, due), clock, (session) => session.shutDown());
      closed = due;
      await sleep(DRAIN_STEP_MS);
    }
    while (this.#all.size > 0) await sleep(DRAIN_STEP_MS);
  }

  /** Lets a draining end at once. */
  hurry(): void {
    this.#hurried = true;
  }

  /**
   * Whether a user may have one more session. At the limit one that the user has most likely left makes room: players
   * that close and connect again, over and over while a channel is silent, must not lock themselves out.
   */
  #hasRoomFor(userId: UserId): boolean {
    const sessions = this.#ofUser.get(userId);
    if (sessions === undefined || sessions.size < this.#parts.config.MAX_SESSIONS_PER_USER)
      return true;
    const abandoned = sessions.values().find((session) => session.isAbandoned);
    abandoned?.reset('client_closed');
    return abandoned !== undefined;
  }

  #ended(session: Session, reason: CloseReason): void {
    const { channels, clock, config, counts, logger } = this.#parts;
    const { userId, channelId } = session;
    const nowMs = clock.monotonicMs();
    this.#all.delete(session);
    const others = this.#ofUser.get(userId);
    if (others?.delete(session) && others.size === 0) this.#ofUser.delete(userId);
    channels.unwatch(channelId, session, nowMs);
    counts.closed(reason);
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
}
