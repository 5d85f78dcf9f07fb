import type { PlaceId } from '../../shared/ids.ts';
import { ALIVE_MS, GHOST_MS, PLACE_TIMEOUT_MS } from '../../shared/limits.ts';
import type { Admission, Admitted, Arrival, Hold } from '../admission/admission.ts';
import type { PlaceLimit, Visitor } from '../admission/places.ts';
import type { Session } from '../delivery/session.ts';
import type { Connection } from '../delivery/sessions.ts';
import type { Age, Answer, FromWorker, ToWorker } from './messages.ts';

interface RemoteAdmissionParts {
  readonly maxUsers: number;
  readonly tell: (item: FromWorker) => void;
  /** Sends a connection to the worker that has its place. Resolves with whether it went. */
  readonly move: (place: PlaceId, connection: Connection) => Promise<boolean>;
  /** Counts a connection that did not go. */
  readonly lost: () => void;
}

type Question =
  | { readonly kind: 'look'; readonly visitor: Visitor }
  | { readonly kind: 'enter'; readonly visitor: Visitor; readonly isMovable: boolean };

/**
 * A worker's places, which its supervisor gives out for the whole node. A supervisor that does not answer in time leaves
 * newcomers without a place, and those who watch alone; a place that comes too late is given back.
 */
export class RemoteAdmission implements Admission<Session, Connection> {
  readonly maxUsers: number;
  readonly #parts: RemoteAdmissionParts;
  readonly #asked = new Map<number, (answer: Answer) => void>();
  readonly #sessions = new Map<PlaceId, Session>();
  readonly #places = new Map<Session, PlaceId>();
  #lastTicket = 0;
  #usersOfOthers = 0;

  constructor(parts: RemoteAdmissionParts) {
    this.#parts = parts;
    this.maxUsers = parts.maxUsers;
  }

  get users(): number {
    return this.#sessions.size + this.#usersOfOthers;
  }

  /** Users of the node, by the supervisor's count. */
  noteUsers(users: number): void {
    this.#usersOfOthers = Math.max(0, users - this.#sessions.size);
  }

  limitFor(visitor: Visitor): Promise<PlaceLimit | undefined> {
    return new Promise((resolve) => {
      this.#ask({ kind: 'look', visitor }, (answer) => {
        resolve(answer.kind === 'refused' ? answer.limit : undefined);
      });
    });
  }

  admit(arrival: Arrival<Session, Connection>): Promise<Admitted> {
    const { visitor, isMovable } = arrival;
    return new Promise((resolve) => {
      this.#ask({ kind: 'enter', visitor, isMovable }, (answer) =>
        resolve(this.#answered(arrival, answer)),
      );
    });
  }

  /** A session has begun by the time the next thing is heard: that may be that it makes room for another. */
  #answered({ isGone, claim, begin }: Arrival<Session, Connection>, answer: Answer): Admitted {
    if (answer.kind === 'refused') return answer;
    if (answer.kind === 'free' || isGone()) {
      this.#giveBack(answer);
      return { kind: 'gone' };
    }
    const { kind, place } = answer;
    if (kind === 'here') begin(claim(), this.holder(place));
    else {
      void this.#parts.move(place, claim()).then((hasGone) => {
        if (hasGone) return;
        this.#giveBack(answer);
        this.#parts.lost();
      });
    }
    return { kind: 'begun' };
  }

  /** For a session that begins in this place. */
  holder(place: PlaceId): Hold<Session> {
    return (session) => {
      this.#sessions.set(place, session);
      this.#places.set(session, place);
    };
  }

  /** What the supervisor says. */
  heard(item: ToWorker): void {
    if (item.kind === 'replaced') {
      this.#sessions.get(item.place)?.reset('replaced');
      return;
    }
    const settle = this.#asked.get(item.ticket);
    this.#asked.delete(item.ticket);
    if (settle) settle(item.answer);
    else this.#giveBack(item.answer);
  }

  attached(session: Session): void {
    this.#tell('attached', session);
  }

  halfClosed(session: Session): void {
    this.#tell('half_closed', session);
  }

  leave(session: Session): void {
    this.#tell('left', session);
    const place = this.#places.get(session);
    if (place === undefined) return;
    this.#places.delete(session);
    this.#sessions.delete(place);
  }

  /** The sessions that may be ghosts: whose write waits for long, and who have sent FIN and were sent nothing since. */
  ghosts(nowMs: number): { readonly writing: Age[]; readonly abandoned: Age[] } {
    const writing: Age[] = [];
    const abandoned: Age[] = [];
    for (const [session, place] of this.#places) {
      const { writingSinceMs, abandonedSinceMs } = session;
      const writingMs = nowMs - (writingSinceMs ?? nowMs);
      // Whoever becomes a ghost before the supervisor is told again is told now.
      if (writingMs >= GHOST_MS - ALIVE_MS) writing.push([place, Math.round(writingMs)]);
      if (abandonedSinceMs !== undefined) {
        abandoned.push([place, Math.round(nowMs - abandonedSinceMs)]);
      }
    }
    return { writing, abandoned };
  }

  #ask(question: Question, onAnswer: (answer: Answer) => void): void {
    this.#lastTicket += 1;
    const ticket = this.#lastTicket;
    const timer = setTimeout(() => {
      // After the channel was read: what a late event loop has not read yet is in time.
      setImmediate(() => {
        if (this.#asked.delete(ticket)) onAnswer({ kind: 'refused', limit: 'supervisor' });
      });
    }, PLACE_TIMEOUT_MS);
    this.#asked.set(ticket, (answer) => {
      clearTimeout(timer);
      onAnswer(answer);
    });
    this.#parts.tell({ ...question, ticket });
  }

  #tell(kind: 'attached' | 'half_closed' | 'left', session: Session): void {
    const place = this.#places.get(session);
    if (place !== undefined) this.#parts.tell({ kind, place });
  }

  #giveBack(answer: Answer): void {
    if (answer.kind === 'here' || answer.kind === 'there') {
      this.#parts.tell({ kind: 'left', place: answer.place });
    }
  }
}
