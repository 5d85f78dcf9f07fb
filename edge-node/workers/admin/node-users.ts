import { HttpError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { ClosedSession } from '../../admin/live/operators.ts';
import type { UserReport } from '../../admin/snapshot.ts';
import { askWorkers } from './ask-workers.ts';
import { ofNode, ofWorker } from './session-ids.ts';
import type { SupervisorView } from './supervisor-view.ts';

/**
 * What there is to know of a user: the sessions in all workers, and the last 24 hours by the store.
 *
 * @throws HttpError store_unavailable
 */
export async function nodeUserReport(
  { workers }: SupervisorView,
  user: UserId,
): Promise<UserReport> {
  const told = await askWorkers(workers, { kind: 'user', user });
  const reports = told.flatMap(({ worker, report }) => {
    if (report.user === undefined) return [];
    const sessions = ofNode(report.user.sessions, worker.number, workers.length);
    return [{ ...report.user, sessions }];
  });
  const [first] = reports;
  if (first === undefined) throw new HttpError('store_unavailable');
  return { ...first, sessions: reports.flatMap(({ sessions }) => sessions) };
}

/** Ends a session of one of the workers. @returns undefined where there is no such session */
export async function closeSession(
  { workers }: SupervisorView,
  session: number,
): Promise<ClosedSession | undefined> {
  const { worker, id } = ofWorker(session, workers.length);
  const report = await workers[worker]?.report({ kind: 'close', session: id });
  return report?.closed;
}
