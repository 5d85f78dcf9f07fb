import { randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../shared/clock.ts';
import type { Config } from '../../shared/config.ts';
import type { CloseReason, Refusal } from '../../shared/errors.ts';
import type { ChannelId, SessionId, UserId } from '../../shared/ids.ts';
import type { Admission, Arrival, Hold } from '../admission/admission.ts';
import type { AdmittedUsers } from '../admission/admitted-users.ts';
import type { PlaceLimit, Visitor } from '../admission/places.ts';
import { WaitingRoom } from '../admission/waiting-room.ts';
import type { ChannelDirectory } from '../channels/channel-directory.ts';
import { inSlices } from '../channels/in-slices.ts';
import type { UsageMeter } from '../usage/meter.ts';
import type { ConnectionRecord } from './connection-record.ts';
import { DelayHistogram } from './histogram.ts';
import type { Overload } from './overload.ts';
import { Session, type SessionEvents, type StartAt } from './session.ts';
import type { Turns } from './turns.ts';

interface SessionsParts {
  readonly config: Pick<Config, 'DRAIN_MS' | 'USER_STALL_MS'>;
  readonly admission: Admission<Session, Connection>;
  readonly admitted: AdmittedUsers<Session>;
  readonly channels: ChannelDirectory;
  readonly record: ConnectionRecord;
  readonly meter: UsageMeter;
  readonly turns: Turns;
  readonly overload: Overload;
  readonly clock: Clock;
}

/** Who would like to watch what, from where. */
export interface Request {
  readonly userId: UserId;
  readonly channelId: ChannelId;
  readonly address: string;
}

/** A connection that a transport has read a request from, and whose peer now gets payload bytes only. */
export interface Connection extends Request {
  readonly socket: Socket;
  readonly startAt: StartAt;
  readonly client: string;
  /** What the user had sent behind its request already. */
  readonly talkedBytes: number;
}

/** A client that asks to be let in. */
export type Client = Pick<Arrival<Session, Connection>, 'isMovable' | 'isGone' | 'claim'>;

/** Why a registered user with a good token may be refused. */
type NoPlace = Refusal<'shutting_down' | 'too_many_connections'>;

const DRAIN_STEP_MS = 50;
/** Far below what a number holds, also once a node has multiplied it by its workers. */
const SESSION_ID_START_MAX = 2 ** 40;

/**
 * All users who watch, whatever transport they came by. A transport finds out who the user is and asks to be let in
 * (`enter`).
 */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly deliveryDelay = new DelayHistogram();
  readonly #all = new Set<Session>();
  readonly #events: SessionEvents;
  readonly #waitingRoom: WaitingRoom;
  /** From anywhere on, so that an id that an operator still sees means nobody to a process that has started since. */
  #lastId = randomInt(SESSION_ID_START_MAX);
  #draining = false;
  #hurried = false;
  #isSweeping = false;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    const { overload, clock } = parts;
    this.#waitingRoom = new WaitingRoom(
      {
        isFull: () => this.refusalOfAll !== undefined,
        room: () => overload.roomAt(clock.monotonicMs()),
      },
      clock,
    );
    this.#events = {
      attached: (session) => parts.admission.attached(session),
      halfClosed: (session) => parts.admission.halfClosed(session),
      closed: (session, reason) => this.#closed(session, reason),
    };
  }

  /** All whose sockets are not closed yet. */
  get all(): ReadonlySet<Session> {
    return this.#all;
  }

  get size(): number {
    return this.#all.size;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** Why every newcomer is refused now, whoever it is: this node drains, or is overloaded. Undefined in normal times. */
  get refusalOfAll(): NoPlace | undefined {
    const { overload, clock } = this.#parts;
    if (this.#draining) return { code: 'shutting_down' };
    if (!overload.isOverloaded(clock.monotonicMs())) return undefined;
    return tooMany('overload');
  }

  /** Why a registered user would be refused; undefined where there is room, or would be made. Changes nothing. */
  async refusalOf(request: Request): Promise<NoPlace | undefined> {
    const refusal = this.refusalOfAll;
    if (refusal !== undefined) return refusal;
    const limit = await this.#parts.admission.limitFor(this.#visitor(request));
    return limit && tooMany(limit);
  }

  /** Lets a registered user in, and begins its session, or says why not. */
  async enter(request: Request, client: Client): Promise<'begun' | 'gone' | NoPlace> {
    const isLetIn = await this.#waitingRoom.pass();
    if (!isLetIn) return client.isGone() ? 'gone' : (this.refusalOfAll ?? tooMany('overload'));
    try {
      return client.isGone() ? 'gone' : await this.#admit(request, client);
    } finally {
      this.#waitingRoom.hasEntered();
    }
  }

  async #admit(request: Request, client: Client): Promise<'begun' | 'gone' | NoPlace> {
    const admitted = await this.#parts.admission.admit({
      ...client,
      visitor: this.#visitor(request),
      begin: (connection, hold) => this.begin(connection, hold),
    });
    return admitted.kind === 'refused' ? tooMany(admitted.limit) : admitted.kind;
  }

  /** Begins the session of a user who was admitted. The socket, its events too, is the session's from now on. */
  begin(connection: Connection, hold: Hold<Session>): void {
    const { config, admitted, channels, meter, overload, turns, clock } = this.#parts;
    const { userId, channelId } = connection;
    this.#lastId += 1;
    const session = new Session({
      ...connection,
      id: this.#lastId as SessionId,
      tally: meter.open(userId, channelId),
      turns,
      clock,
      stallMs: config.USER_STALL_MS,
      deliveryDelay: this.deliveryDelay,
      events: this.#events,
    });
    this.#all.add(session);
    overload.users = this.#all.size;
    hold(session);
    admitted.entered(userId, session);
    session.begin();
    channels.watch(channelId, session, connection.startAt === 'entry');
    // Whoever was let in by another process may come after the draining has begun.
    if (this.#draining) session.shutDown('shutdown');
  }

  /** Ends one session cleanly. @returns the session, or undefined where it is none of those that there are now */
  closeOne(id: SessionId): Session | undefined {
    const session = this.#all.values().find((each) => each.id === id);
    session?.shutDown('closed_by_operator');
    return session;
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
      await inSlices(sessions.slice(closed, due), clock, (session) => session.shutDown('shutdown'));
      closed = due;
      await sleep(DRAIN_STEP_MS);
    }
    while (this.#all.size > 0) await sleep(DRAIN_STEP_MS);
  }

  /** Lets a draining end at once. */
  hurry(): void {
    this.#hurried = true;
  }

  #visitor({ userId, channelId, address }: Request): Visitor {
    return { userId, address, isChannelLive: this.#parts.channels.has(channelId) };
  }

  #closed(session: Session, reason: CloseReason): void {
    const { admission, admitted, channels, clock, overload, record } = this.#parts;
    const nowMs = clock.monotonicMs();
    this.#all.delete(session);
    overload.users = this.#all.size;
    admission.leave(session);
    channels.unwatch(session.channelId, session, nowMs);
    record.sessionEnded(session, reason, nowMs);
    admitted.left(session.userId, session);
  }
}

function tooMany(cause: PlaceLimit): NoPlace {
  return { code: 'too_many_connections', cause };
}
