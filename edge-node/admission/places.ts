import type { Config } from '../../shared/config.ts';
import type { CauseOf } from '../../shared/errors.ts';
import type { UserId } from '../../shared/ids.ts';
import { REPLACE_INTERVAL_MS } from '../../shared/limits.ts';
import { Groups } from './groups.ts';
import { recentUsers } from './recent-users.ts';
import { SessionRate } from './session-rate.ts';
import { fromAll, fromUser, type Leaver, type Occupant } from './who-makes-room.ts';

export interface PlaceLimits {
  readonly users: number;
  readonly ofUser: number;
  readonly ofAddress: number;
}

/** What the settings allow, where files allow so many users. */
export function placeLimits(
  config: Pick<Config, 'MAX_SESSIONS_PER_USER' | 'MAX_USERS_PER_ADDRESS'>,
  users: number,
): PlaceLimits {
  return {
    users,
    ofUser: config.MAX_SESSIONS_PER_USER,
    ofAddress: config.MAX_USERS_PER_ADDRESS || Number.POSITIVE_INFINITY,
  };
}

/** Who would like a place. */
export interface Visitor {
  readonly userId: UserId;
  readonly address: string;
  /** The channel is there: the visitor would not wait for it. */
  readonly isChannelLive: boolean;
}

/** Who holds a place: a session. */
export interface Holder extends Occupant {
  readonly userId: UserId;
  readonly address: string;
}

/** The limit that leaves a visitor no place. */
export type PlaceLimit = CauseOf<'too_many_connections'>;

/** A place for a visitor, once those who are to leave have made room; or the limit that leaves none. */
type Room<S> =
  | { readonly kind: 'some'; readonly leavers: readonly Leaver<S>[] }
  | { readonly kind: 'none'; readonly limit: PlaceLimit };

/**
 * Who holds the places that MAX_USERS, MAX_SESSIONS_PER_USER and MAX_USERS_PER_ADDRESS limit. Who makes room at a limit
 * is decided in who-makes-room.ts. A session that makes room gives its place up at once, though its socket closes later.
 */
export class Places<S extends Holder> {
  readonly limits: PlaceLimits;
  /** Ends a session that has made room. */
  readonly #replace: (session: S) => void;
  readonly #all = new Set<S>();
  readonly #ofUser = new Groups<UserId, S>();
  readonly #ofAddress = new Groups<string, S>();
  /** Those who have sent FIN, and those who wait for a channel that is not there; in the order in which they began to. */
  readonly #halfClosed = new Set<S>();
  readonly #waiting = new Set<S>();
  readonly #rate = new SessionRate();
  /** When the user's oldest session last made room for its newest. */
  readonly #replacedMs = recentUsers();

  constructor(limits: PlaceLimits, replace: (session: S) => void) {
    this.limits = limits;
    this.#replace = replace;
  }

  /** Places that are taken. */
  get size(): number {
    return this.#all.size;
  }

  /** The limit that leaves a visitor no place; undefined where there is one, or room would be made. Changes nothing. */
  limitFor(visitor: Visitor, nowMs: number): PlaceLimit | undefined {
    const room = this.#roomFor(visitor, nowMs);
    return room.kind === 'none' ? room.limit : undefined;
  }

  /**
   * Makes room for a visitor where need be. Whoever gets no limit back has a place to take, before anyone else asks.
   * @returns the limit that leaves none
   */
  makeRoomFor(visitor: Visitor, nowMs: number): PlaceLimit | undefined {
    const room = this.#roomFor(visitor, nowMs);
    if (room.kind === 'none') return room.limit;
    for (const { session, kind } of room.leavers) {
      if (kind === 'oldest') this.#replacedMs.set(session.userId, nowMs);
      this.leave(session);
      this.#replace(session);
    }
    return undefined;
  }

  #roomFor(visitor: Visitor, nowMs: number): Room<S> {
    const { userId, address, isChannelLive } = visitor;
    if (!this.#rate.allows(userId, nowMs)) return { kind: 'none', limit: 'too_often' };
    const ofUser = this.#ofUser.of(userId);
    const leavers: Leaver<S>[] = [];
    const leaving = new Set<S>();
    /** Whether a limit holds, once one of those who stay has made room where need be. */
    const holds = (
      sessions: ReadonlySet<S>,
      limit: number,
      choose: (staying: (session: S) => boolean) => Leaver<S> | undefined,
    ): boolean => {
      if (sessions.size - leaving.intersection(sessions).size < limit) return true;
      const leaver = choose((session) => sessions.has(session) && !leaving.has(session));
      if (leaver === undefined) return false;
      leavers.push(leaver);
      leaving.add(leaver.session);
      return true;
    };
    const chooseOfUser = () => fromUser(ofUser, this.#mayReplace(userId, nowMs), nowMs);
    const chooseOfAll = (staying: (session: S) => boolean) => {
      const abandoned = this.#halfClosed.values().filter(staying);
      return fromAll(abandoned, this.#waiting.values().filter(staying), isChannelLive, nowMs);
    };
    if (!holds(ofUser, this.limits.ofUser, chooseOfUser))
      return { kind: 'none', limit: 'per_user' };
    if (!holds(this.#ofAddress.of(address), this.limits.ofAddress, chooseOfAll)) {
      return { kind: 'none', limit: 'per_address' };
    }
    if (!holds(this.#all, this.limits.users, chooseOfAll)) {
      return { kind: 'none', limit: 'max_users' };
    }
    return { kind: 'some', leavers };
  }

  /** Takes a place for a session that begins; it waits for its channel until told otherwise. */
  take(session: S, nowMs: number): void {
    this.#rate.count(session.userId, nowMs);
    this.#all.add(session);
    this.#waiting.add(session);
    this.#ofUser.add(session.userId, session);
    this.#ofAddress.add(session.address, session);
  }

  /** The session's channel is there. */
  attached(session: S): void {
    this.#waiting.delete(session);
  }

  /** The session has sent FIN. */
  halfClosed(session: S): void {
    this.#halfClosed.add(session);
  }

  /** Gives a session's place up, if it still has one. */
  leave(session: S): void {
    this.#all.delete(session);
    this.#waiting.delete(session);
    this.#halfClosed.delete(session);
    this.#ofUser.delete(session.userId, session);
    this.#ofAddress.delete(session.address, session);
  }

  #mayReplace(userId: UserId, nowMs: number): boolean {
    const replacedMs = this.#replacedMs.get(userId);
    return replacedMs === undefined || nowMs - replacedMs >= REPLACE_INTERVAL_MS;
  }
}
