import type { Clock } from '../../shared/clock.ts';
import type { PlaceId, UserId } from '../../shared/ids.ts';
import { WORKER_SPREAD, WORKER_SPREAD_USERS } from '../../shared/limits.ts';
import { type PlaceLimit, type PlaceLimits, Places, type Visitor } from '../admission/places.ts';
import type { Age, Answer } from './messages.ts';

/** A worker, as far as its users' places are concerned. */
export interface Member {
  /** Its session has made room for another. */
  replaced(place: PlaceId): void;
}

/** A place that a session of some worker has. */
interface Seat {
  readonly id: PlaceId;
  readonly userId: UserId;
  readonly address: string;
  readonly sinceMs: number;
  readonly member: Member;
  /** The worker that has accepted the connection and has not sent it on yet. */
  comesFrom: Member | undefined;
  isReplaced: boolean;
  /** As its worker told last, every second. */
  writingSinceMs: number | undefined;
  abandonedSinceMs: number | undefined;
}

interface Seats {
  /** It takes newcomers. */
  isOpen: boolean;
  readonly own: Set<Seat>;
  /** Of connections that this worker is to send to another. */
  readonly leaving: Set<Seat>;
  ghosts: Seat[];
}

interface NodePlacesParts {
  /** `users` is MAX_USERS. */
  readonly limits: PlaceLimits;
  /** Users that one worker's files allow. */
  readonly maxOfWorker: number;
  readonly clock: Clock;
}

/**
 * The places of a node of several workers, whose limits hold for all of them together. Each newcomer is asked for here,
 * so that the limits are exact: a place is taken when it is given, and is free once its worker says so, or is dead.
 *
 * The kernel spreads connections by a hash, and so unevenly. A newcomer is therefore sent on to the worker with the
 * fewest users where the one that it came to has noticeably more.
 */
export class NodePlaces {
  readonly #parts: NodePlacesParts;
  readonly #places: Places<Seat>;
  readonly #members = new Map<Member, Seats>();
  readonly #seats = new Map<PlaceId, Seat>();
  #lastId = 0;

  constructor(parts: NodePlacesParts) {
    this.#parts = parts;
    const { limits, maxOfWorker } = parts;
    const members = this.#members;
    const now = {
      ...limits,
      /** While a worker is being replaced, the others have only files of their own. */
      get users() {
        return Math.min(limits.users, members.size * maxOfWorker);
      },
    };
    this.#places = new Places(now, (seat) => this.#replace(seat));
  }

  /** Most users at once, of the workers that there are now. */
  get maxUsers(): number {
    return this.#places.limits.users;
  }

  get users(): number {
    return this.#places.size;
  }

  usersOf(member: Member): number {
    return this.#members.get(member)?.own.size ?? 0;
  }

  /** The worker takes users from now on. One that asks for a place does: a port of its may be open before all are. */
  join(member: Member): void {
    if (this.#members.has(member)) return;
    this.#members.set(member, { isOpen: true, own: new Set(), leaving: new Set(), ghosts: [] });
  }

  /** The worker is sent no newcomers any more. */
  close(member: Member): void {
    const seats = this.#members.get(member);
    if (seats) seats.isOpen = false;
  }

  /** The worker is dead, and its connections are closed. @returns how many users it had */
  part(member: Member): number {
    const seats = this.#members.get(member);
    if (seats === undefined) return 0;
    const users = seats.own.size;
    for (const seat of [...seats.own, ...seats.leaving]) this.#free(seat);
    this.#members.delete(member);
    return users;
  }

  /** Whether a visitor to this worker would find a place. */
  look(member: Member, visitor: Visitor): Answer {
    this.join(member);
    const limit = this.#places.limitFor(visitor, this.#parts.clock.monotonicMs());
    return limit === undefined ? { kind: 'free' } : refused(limit);
  }

  /** A place for a visitor who came to this worker. */
  enter(member: Member, visitor: Visitor, isMovable: boolean): Answer {
    this.join(member);
    const nowMs = this.#parts.clock.monotonicMs();
    if (!isMovable && this.usersOf(member) >= this.#parts.maxOfWorker) return refused('max_users');
    const limit = this.#places.makeRoomFor(visitor, nowMs);
    if (limit !== undefined) return refused(limit);
    const home = isMovable ? this.#homeFor(member) : member;
    const { userId, address } = visitor;
    this.#lastId += 1;
    const seat: Seat = {
      id: this.#lastId as PlaceId,
      userId,
      address,
      sinceMs: nowMs,
      member: home,
      comesFrom: home === member ? undefined : member,
      isReplaced: false,
      writingSinceMs: undefined,
      abandonedSinceMs: undefined,
    };
    this.#places.take(seat, nowMs);
    this.#seats.set(seat.id, seat);
    this.#members.get(home)?.own.add(seat);
    if (home === member) return { kind: 'here', place: seat.id };
    this.#members.get(member)?.leaving.add(seat);
    return { kind: 'there', place: seat.id };
  }

  /**
   * A connection was sent on: `pass` is called with the worker that is to have it, before that hears anything else of the
   * place. @returns false where the worker has died
   */
  moved(place: PlaceId, pass: (member: Member) => void): boolean {
    const seat = this.#seats.get(place);
    if (seat?.comesFrom === undefined) return false;
    this.#members.get(seat.comesFrom)?.leaving.delete(seat);
    seat.comesFrom = undefined;
    pass(seat.member);
    if (seat.isReplaced) this.#replace(seat);
    return true;
  }

  attached(place: PlaceId): void {
    const seat = this.#seats.get(place);
    if (seat) this.#places.attached(seat);
  }

  halfClosed(place: PlaceId): void {
    const seat = this.#seats.get(place);
    if (seat === undefined) return;
    seat.abandonedSinceMs = this.#parts.clock.monotonicMs();
    this.#places.halfClosed(seat);
  }

  left(place: PlaceId): void {
    const seat = this.#seats.get(place);
    if (seat) this.#free(seat);
  }

  /** What the worker knows of ghosts now; what it told before holds no more. */
  noteGhosts(member: Member, writing: readonly Age[], abandoned: readonly Age[]): void {
    const seats = this.#members.get(member);
    if (seats === undefined) return;
    for (const seat of seats.ghosts) {
      seat.writingSinceMs = undefined;
      seat.abandonedSinceMs = undefined;
    }
    const nowMs = this.#parts.clock.monotonicMs();
    const ghosts = new Set<Seat>();
    const note = (ages: readonly Age[], field: 'writingSinceMs' | 'abandonedSinceMs') => {
      for (const [place, ageMs] of ages) {
        const seat = this.#seats.get(place);
        if (seat === undefined) continue;
        seat[field] = nowMs - ageMs;
        ghosts.add(seat);
      }
    };
    note(writing, 'writingSinceMs');
    note(abandoned, 'abandonedSinceMs');
    seats.ghosts = [...ghosts];
  }

  /** The worker itself, unless it has noticeably more users than the one with the fewest, or no file left. */
  #homeFor(member: Member): Member {
    let home = member;
    for (const [other, { isOpen, own }] of this.#members) {
      if (isOpen && own.size < this.usersOf(home)) home = other;
    }
    const users = this.usersOf(member);
    const spread = Math.max(WORKER_SPREAD_USERS, WORKER_SPREAD * users);
    const isFull = users >= this.#parts.maxOfWorker;
    return isFull || users - this.usersOf(home) >= spread ? home : member;
  }

  /** The place is another's already. A connection that is still on its way hears of it once it has come. */
  #replace(seat: Seat): void {
    seat.isReplaced = true;
    if (seat.comesFrom !== undefined) return;
    this.#free(seat);
    seat.member.replaced(seat.id);
  }

  #free(seat: Seat): void {
    this.#places.leave(seat);
    this.#seats.delete(seat.id);
    this.#members.get(seat.member)?.own.delete(seat);
    if (seat.comesFrom) this.#members.get(seat.comesFrom)?.leaving.delete(seat);
  }
}

function refused(limit: PlaceLimit): Answer {
  return { kind: 'refused', limit };
}
