import type { Clock } from '../../../shared/clock.ts';
import type { WorkerProcess } from '../worker-process.ts';
import { mergeStatus } from './merge-status.ts';
import type { SupervisorView } from './supervisor-view.ts';

/** /status of a node: that of its workers merged, with the same fields, and what there is to say of each of them. */
export async function nodeStatus(
  supervisor: SupervisorView,
  clock: Clock,
  user: string | undefined,
): Promise<string> {
  const told = await Promise.all(supervisor.workers.map((worker) => worker.status(user)));
  const statuses = told
    .filter((status) => status !== undefined)
    .map((status) => JSON.parse(status) as Readonly<Record<string, unknown>>);
  const workers = supervisor.workers.map((worker) => workerStatus(supervisor, worker, clock));
  const merged = await mergeStatus(statuses, clock);
  return JSON.stringify({ ...merged, accepting: supervisor.isAccepting, workers });
}

function workerStatus(supervisor: SupervisorView, worker: WorkerProcess, clock: Clock) {
  const { number, pid, state, sinceMs } = worker;
  const seconds = Math.round((clock.monotonicMs() - sinceMs) / 1000);
  return { worker: number, pid, state, seconds, users: supervisor.usersOf(worker) };
}
