import type { SessionId } from '../../../shared/ids.ts';

interface Identified {
  readonly id: number;
}

/** Each worker counts its own sessions: operators of a node see ids that say of which worker they are. */
export function ofNode<S extends Identified>(
  sessions: readonly S[],
  worker: number,
  workers: number,
): S[] {
  return sessions.map((session) => ({ ...session, id: session.id * workers + worker }));
}

/** The worker that an operator's id is of, and the id that the session has there. */
export function ofWorker(
  id: number,
  workers: number,
): { readonly worker: number; readonly id: SessionId } {
  return { worker: id % workers, id: Math.floor(id / workers) as SessionId };
}
