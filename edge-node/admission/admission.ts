import type { Clock } from '../../shared/clock.ts';
import { type Holder, type PlaceLimit, type PlaceLimits, Places, type Visitor } from './places.ts';

/** Gives the place that was had to a session: called once, in the turn in which it was had. */
export type Hold<S> = (session: S) => void;

/** A client that waits to be let in. S is what a session is, and C the connection that one is made of. */
export interface Arrival<S, C> {
  readonly visitor: Visitor;
  /** Whether another process could take the connection over. */
  readonly isMovable: boolean;
  /** The client has left meanwhile. */
  readonly isGone: () => boolean;
  /** Takes the connection over from the transport that it came by; called once, and only if the client is let in. */
  readonly claim: () => C;
  readonly begin: (connection: C, hold: Hold<S>) => void;
}

/** Who gives out the places of the node: this process, or the one that supervises it and others. */
export interface Admission<S, C> {
  /** Users of the node who have places now, and the most. */
  readonly users: number;
  readonly maxUsers: number;
  /** The limit that leaves a visitor no place; undefined where there is one, or room would be made. Changes nothing. */
  limitFor(visitor: Visitor): PlaceLimit | undefined | Promise<PlaceLimit | undefined>;
  /** Lets a client in, unless a limit leaves it no place or it has gone. */
  admit(arrival: Arrival<S, C>): Admitted | Promise<Admitted>;
  /** The session's channel is there. */
  attached(session: S): void;
  /** The session has sent FIN. */
  halfClosed(session: S): void;
  /** Gives a session's place up, if it still has one. */
  leave(session: S): void;
}

/** That this process is one of several workers of a node, whose supervisor gives out the places. */
export interface Membership<S, C> {
  readonly workers: number;
  readonly admission: Admission<S, C>;
  /** How full the node is, 0 to 1; undefined until its supervisor has told. */
  readonly load: () => number | undefined;
}

export type Admitted =
  | { readonly kind: 'begun' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'refused'; readonly limit: PlaceLimit };

/** This process gives out its places itself, at once. */
export class OwnAdmission<S extends Holder, C> implements Admission<S, C> {
  readonly #places: Places<S>;
  readonly #clock: Clock;

  /** @param replace ends a session that has made room */
  constructor(limits: PlaceLimits, clock: Clock, replace: (session: S) => void) {
    this.#places = new Places(limits, replace);
    this.#clock = clock;
  }

  get users(): number {
    return this.#places.size;
  }

  get maxUsers(): number {
    return this.#places.limits.users;
  }

  limitFor(visitor: Visitor): PlaceLimit | undefined {
    return this.#places.limitFor(visitor, this.#clock.monotonicMs());
  }

  admit({ visitor, claim, begin }: Arrival<S, C>): Admitted {
    const limit = this.#places.makeRoomFor(visitor, this.#clock.monotonicMs());
    if (limit !== undefined) return { kind: 'refused', limit };
    begin(claim(), (session) => this.#places.take(session, session.sinceMs));
    return { kind: 'begun' };
  }

  attached(session: S): void {
    this.#places.attached(session);
  }

  halfClosed(session: S): void {
    this.#places.halfClosed(session);
  }

  leave(session: S): void {
    this.#places.leave(session);
  }
}
