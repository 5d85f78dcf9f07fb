import type { WorkerProcess } from '../worker-process.ts';

/** The supervisor, as its operators look at it. */
export interface SupervisorView {
  readonly workers: readonly WorkerProcess[];
  readonly isAccepting: boolean;
  /** Workers that ended without having been told to. */
  readonly ends: number;
  usersOf(worker: WorkerProcess): number;
}
