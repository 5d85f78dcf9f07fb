import type { Socket } from 'node:net';
import type { SettingName } from '../config.ts';
import { HTTP_TURNED_AWAY_MAX, PROBE_MAX_CONNECTIONS } from '../limits.ts';
import type { LogLimiter } from '../logger.ts';
import { type Crowd, type Room, roomFor } from '../net/room.ts';
import { TurnedAway } from '../net/turned-away.ts';
import type { Connection } from './connection.ts';
import { rawRefusal } from './error-body.ts';

export interface ConnectionsOptions {
  /** The setting of their port: what log lines call it. */
  readonly setting: SettingName;
  /**
   * How many at once, or what bounds them together with others. Whoever waits for nothing for longest makes room for a
   * newcomer. Where it is a number, there are a few more places for probes.
   */
  readonly room: number | Room;
  /** Told of whom there was no room for, and of who had to make it, before that one is closed. */
  readonly onTurnedAway?: (socket: Socket) => void;
  readonly onMadeRoom?: (socket: Socket) => void;
  readonly limiter: LogLimiter;
}

/** What the policy did to connections, since the start. */
export interface HttpCounts {
  accepted: number;
  /** Idle ones that made room. */
  madeRoom: number;
  /** Turned away: every other one was being answered, or had only just come. */
  turnedAway: number;
  /** Closed for sending too many requests without awaiting the answers. */
  flooding: number;
}

const BUSY = rawRefusal('too_many_connections', {
  'retry-after': '1',
  'cache-control': 'no-store',
});

/**
 * The connections of an HTTP port, never more than there is room for, and beyond these a few whose first request decides:
 * a probe is answered, and anything else turned away. So whoever holds all places cannot have the process taken for dead.
 */
export class Connections implements Crowd {
  readonly counts: HttpCounts = { accepted: 0, madeRoom: 0, turnedAway: 0, flooding: 0 };
  readonly #options: ConnectionsOptions;
  readonly #hasRoom: () => boolean;
  readonly #turnedAway: TurnedAway;
  /** In the order in which they last became idle. */
  readonly #all = new Map<Socket, Connection>();
  /** Beyond the bound, in the order in which they came. */
  readonly #beyond = new Map<Socket, Connection>();
  readonly #beyondMax: number;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    const { room } = options;
    const isShared = typeof room !== 'number';
    this.#hasRoom = (isShared ? room : roomFor(room)).join(this);
    this.#beyondMax = isShared ? 0 : PROBE_MAX_CONNECTIONS;
    this.#turnedAway = new TurnedAway(isShared ? room : roomFor(HTTP_TURNED_AWAY_MAX));
  }

  get size(): number {
    return this.#all.size;
  }

  of(socket: Socket): Connection | undefined {
    return this.#all.get(socket) ?? this.#beyond.get(socket);
  }

  *[Symbol.iterator](): Iterator<Connection> {
    yield* this.#all.values();
    yield* this.#beyond.values();
  }

  /** Counts a newcomer. @returns whether there is room */
  admits(): boolean {
    this.counts.accepted += 1;
    return this.#hasRoom() || this.makeRoom();
  }

  /** @returns whether one for whom there is no room may still ask for a probe */
  admitsBeyond(): boolean {
    return this.#beyond.size < this.#beyondMax || this.#makeRoomBeyond();
  }

  keep(connection: Connection): void {
    this.#join(this.#all, connection);
  }

  keepBeyond(connection: Connection): void {
    this.#join(this.#beyond, connection);
  }

  /** It counts no more. */
  release(socket: Socket): void {
    this.#all.delete(socket);
    this.#beyond.delete(socket);
  }

  /** All that it asked has been answered. */
  rested(connection: Connection): void {
    if (this.#all.delete(connection.socket)) this.#all.set(connection.socket, connection);
  }

  /** @param speaksHttp whether it can be told so, and not merely be closed */
  turnAway(socket: Socket, speaksHttp: boolean): void {
    this.#beyond.delete(socket);
    this.counts.turnedAway += 1;
    this.#tell('error', 'all are being answered or have just come: turned one away');
    this.#options.onTurnedAway?.(socket);
    if (speaksHttp) this.#turnedAway.tell(socket, BUSY);
    else socket.destroy();
  }

  makeRoom(): boolean {
    for (const connection of this.#all.values()) {
      if (!connection.mayGo) continue;
      this.counts.madeRoom += 1;
      this.#tell('warn', 'closed the one that was idle for longest');
      this.#all.delete(connection.socket);
      this.#options.onMadeRoom?.(connection.socket);
      connection.socket.destroy();
      return true;
    }
    return false;
  }

  #join(those: Map<Socket, Connection>, connection: Connection): void {
    const { socket } = connection;
    those.set(socket, connection);
    socket.once('close', () => those.delete(socket));
  }

  /**
   * Nobody is given time here: a probe's request comes with its connection or right after it, before so many others do.
   * Where all have asked, whoever does not take the answer goes.
   */
  #makeRoomBeyond(): boolean {
    const idle = [...this.#beyond.values()].filter(({ owesAnswer }) => !owesAnswer);
    const silent = idle.find(({ isAnswering }) => !isAnswering);
    if (silent !== undefined) this.turnAway(silent.socket, true);
    else if (idle[0] !== undefined) {
      this.#beyond.delete(idle[0].socket);
      idle[0].socket.destroy();
    }
    return idle.length > 0;
  }

  #tell(level: 'warn' | 'error', what: string): void {
    const { limiter, setting } = this.#options;
    const fields = { port: setting, connections: this.size };
    limiter[level](`HTTP connections are at their limit: ${what}`, fields, setting);
  }
}
