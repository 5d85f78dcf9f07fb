import { asError, HttpError } from '../../shared/errors.ts';
import type { EdgeView } from '../admin/edge-view.ts';
import type { ProcessOperators } from '../admin/live/process-operators.ts';
import { edgeStatus, storeAnswers } from '../admin/status.ts';
import { workerMetricsReader } from '../admin/worker-metrics.ts';
import type { Report, ReportRequest } from './messages.ts';

/** What a worker answers to its supervisor, for operators. */
export function workerReporter(
  view: EdgeView,
  operators: ProcessOperators,
): (asked: ReportRequest) => Promise<Report> {
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
        return { kind: 'user', user: await operators.user(asked.user).catch(ifStoreIsAway) };
      case 'close':
        return { kind: 'close', closed: await operators.close(asked.session) };
      case 'history':
        return { kind: 'history', history: await operators.history() };
      case 'snapshot':
        return { kind: 'snapshot', snapshot: await operators.snapshot(asked.query) };
    }
  };
}

function ifStoreIsAway(error: unknown): undefined {
  if (!(error instanceof HttpError)) throw asError(error);
}
