import type { PlaceId, SessionId, UserId, WriterId } from '../../shared/ids.ts';
import type { LiveQuery } from '../admin/live/live-query.ts';
import type { ClosedSession } from '../admin/live/operators.ts';
import type { History, Snapshot, UserReport } from '../admin/snapshot.ts';
import type { WorkerMetrics } from '../admin/worker-metrics.ts';
import type { PlaceLimit, Visitor } from '../admission/places.ts';
import type { Connection } from '../delivery/sessions.ts';
import type { Listening } from '../transports/listening.ts';

/**
 * What a worker and its supervisor say to each other, by the channel that Node gives a child process. Messages come in
 * the order in which they were sent. What is said often is gathered: a `turn` holds all of one turn of the event loop.
 */

/** A connection but for its socket, which goes beside the message. */
export type MovedConnection = Omit<Connection, 'socket'>;

/** How long a session has been in a state, in ms: clocks of two processes have nothing to do with each other. */
export type Age = readonly [place: PlaceId, ageMs: number];

/** Something that a worker asks, or tells of a place. `ticket` is the asker's number for the question. */
export type FromWorker =
  | { readonly kind: 'look'; readonly ticket: number; readonly visitor: Visitor }
  | {
      readonly kind: 'enter';
      readonly ticket: number;
      readonly visitor: Visitor;
      /** Whether another worker could take the connection over. */
      readonly isMovable: boolean;
    }
  | { readonly kind: 'attached' | 'half_closed' | 'left'; readonly place: PlaceId };

/** `here`: begin the session. `there`: send the connection, another worker has fewer users. */
export type Answer =
  | { readonly kind: 'free' }
  | { readonly kind: 'refused'; readonly limit: PlaceLimit }
  | { readonly kind: 'here' | 'there'; readonly place: PlaceId };

export type ToWorker =
  | { readonly kind: 'answer'; readonly ticket: number; readonly answer: Answer }
  /** The session has made room for another. */
  | { readonly kind: 'replaced'; readonly place: PlaceId };

/** What the supervisor asks a worker for on behalf of operators. */
export type ReportRequest =
  | { readonly kind: 'metrics' }
  | { readonly kind: 'status'; readonly user: string | undefined }
  | { readonly kind: 'user'; readonly user: UserId }
  | { readonly kind: 'close'; readonly session: SessionId }
  | { readonly kind: 'history' }
  | { readonly kind: 'snapshot'; readonly query: LiveQuery };

/** What a worker answers: to `user` nothing where the store does not answer, to `close` nothing where there is no such. */
export type Report =
  | { readonly kind: 'metrics'; readonly metrics: WorkerMetrics }
  | { readonly kind: 'status'; readonly status: string }
  | { readonly kind: 'user'; readonly user: UserReport | undefined }
  | { readonly kind: 'close'; readonly closed: ClosedSession | undefined }
  | { readonly kind: 'history'; readonly history: History }
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot };

export type WorkerMessage =
  | { readonly kind: 'turn'; readonly items: readonly FromWorker[] }
  | { readonly kind: 'listening'; readonly at: Listening; readonly writerId: WriterId }
  | { readonly kind: 'cannot_start'; readonly message: string }
  /** It refuses newcomers from now on, and sends its users away. */
  | { readonly kind: 'draining' }
  /** Comes every second. */
  | {
      readonly kind: 'alive';
      /** How full it is, 0 to 1. */
      readonly load: number;
      /** The sessions that may be ghosts: whose write waits, and that sent FIN. */
      readonly writing: readonly Age[];
      readonly abandoned: readonly Age[];
    }
  /** With the socket. */
  | { readonly kind: 'moved'; readonly place: PlaceId; readonly connection: MovedConnection }
  | { readonly kind: 'report'; readonly request: number; readonly report: Report };

export type SupervisorMessage =
  | { readonly kind: 'turn'; readonly items: readonly ToWorker[] }
  /** With the socket. */
  | { readonly kind: 'moved'; readonly place: PlaceId; readonly connection: MovedConnection }
  | { readonly kind: 'report'; readonly request: number; readonly of: ReportRequest }
  /** The process that wrote under this name is dead: what it left in the spool is free. */
  | { readonly kind: 'writer_died'; readonly writerId: WriterId }
  /** Users of the node and how full it is, 0 to 1; every second. */
  | { readonly kind: 'node'; readonly users: number; readonly load: number }
  | { readonly kind: 'stop' }
  | { readonly kind: 'hurry' };
