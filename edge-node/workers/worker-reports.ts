import { asError, HttpError } from '../../shared/errors.ts';
import type { EdgeView } from '../admin/edge-view.ts';
import { edgeStatus, storeAnswers } from '../admin/status.ts';
import { userReport } from '../admin/user-report.ts';
import { workerMetricsReader } from '../admin/worker-metrics.ts';
import type { Report, ReportRequest } from './messages.ts';

/** What a worker answers to its supervisor, for operators. */
export function workerReporter(view: EdgeView): (asked: ReportRequest) => Promise<Report> {
  const readMetrics = workerMetricsReader(view);
  return async (asked) => {
    switch (asked.kind) {
      case 'metrics':
        return { kind: 'metrics', metrics: await readMetrics() };
      case 'status':
        return {
          kind: 'status',
          status: await edgeStatus(view, await storeAnswers(view), asked.user),
        };
      case 'user':
        return { kind: 'user', user: await userReport(view, asked.user).catch(ifStoreIsAway) };
      case 'close': {
        const session = view.sessions.closeOne(asked.session);
        const closed = session && { user: session.userId, channel: session.channelId };
        return { kind: 'close', closed };
      }
    }
  };
}

function ifStoreIsAway(error: unknown): undefined {
  if (!(error instanceof HttpError)) throw asError(error);
}
