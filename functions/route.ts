import type { FastifyInstance } from 'fastify';
import type { Store } from '../shared/store/store.ts';
import type { Authorize } from './access.ts';

/**
 * Asks the store and answers within its time limit.
 * @param client aborted when the client goes
 * @throws HttpError store_unavailable
 */
export type AskStore = <T>(
  operation: 'register' | 'unregister' | 'readUsage' | 'readEdges',
  ask: (store: Store, abandoned: AbortSignal) => Promise<T>,
  client?: AbortSignal,
) => Promise<T>;

/** What a route may use. */
export interface RouteParts {
  readonly ask: AskStore;
  readonly now: () => number;
  readonly authorize: Authorize;
  /** Whether a stop has been announced: what is asked is still answered. */
  readonly isDraining: () => boolean;
}

/** All that stands behind one path. */
export interface Route {
  /** Matches the paths that this route answers, without their query. */
  readonly path: RegExp;
  /** The methods that it takes, as an Allow header has them. */
  readonly allow: string;
  add(app: FastifyInstance, parts: RouteParts): void;
}
