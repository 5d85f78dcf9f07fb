import type { Clock } from '../../../shared/clock.ts';
import type { SessionStatus } from '../../admin/snapshot.ts';
import type { WorkerProcess } from '../worker-process.ts';
import { askWorkers } from './ask-workers.ts';
import { mergeStatus } from './merge-status.ts';
import { ofNode } from './session-ids.ts';
import type { SupervisorView } from './supervisor-view.ts';

/** What is read of a worker's status; all else is merged as it is. */
interface WorkerStatus {
  readonly users: readonly SessionStatus[];
  readonly [field: string]: unknown;
}

/** /status of a node: that of its workers merged, with the same fields, and what there is to say of each of them. */
export async function nodeStatus(
  supervisor: SupervisorView,
  clock: Clock,
  user: string | undefined,
): Promise<string> {
  const { workers } = supervisor;
  const told = await askWorkers(workers, { kind: 'status', user });
  const statuses = told.map(({ worker, report }) => {
    const status = JSON.parse(report.status) as WorkerStatus;
    return { ...status, users: ofNode(status.users, worker.number, workers.length) };
  });
  const merged = await mergeStatus(statuses, clock);
  return JSON.stringify({
    ...merged,
    accepting: supervisor.isAccepting,
    workers: workers.map((worker) => workerStatus(supervisor, worker, clock)),
  });
}

function workerStatus(supervisor: SupervisorView, worker: WorkerProcess, clock: Clock) {
  const { number, pid, state, sinceMs } = worker;
  const seconds = Math.round((clock.monotonicMs() - sinceMs) / 1000);
  return { worker: number, pid, state, seconds, users: supervisor.usersOf(worker) };
}
