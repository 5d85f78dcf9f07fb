import type { WorkerProcess } from '../worker-process.ts';

/** The supervisor, as its operators look at it. */
export interface SupervisorView {
  readonly workers: readonly WorkerProcess[];
  readonly isAccepting: boolean;
  /** How full the node is, 0 to 1. */
  readonly load: number;
  /** Workers that ended without having been told to. */
  readonly ends: number;
  usersOf(worker: WorkerProcess): number;
}
