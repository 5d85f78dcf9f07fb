import type { Clock } from '../../../shared/clock.ts';
import { HttpError } from '../../../shared/errors.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { LiveQuery } from '../../admin/live/live-query.ts';
import type { ClosedSession, Operators } from '../../admin/live/operators.ts';
import type { History, Snapshot, UserReport } from '../../admin/snapshot.ts';
import { askWorkers } from './ask-workers.ts';
import { mergeHistories, mergeSnapshots, queryOfWorkers } from './merge-snapshots.ts';
import { closeSession, nodeUserReport } from './node-users.ts';
import { ofNode } from './session-ids.ts';
import type { SupervisorView } from './supervisor-view.ts';

/** All workers of a node, as operators look at them: asked each time, and put together. */
export class NodeOperators implements Operators {
  readonly #supervisor: SupervisorView;
  readonly #clock: Clock;

  constructor(supervisor: SupervisorView, clock: Clock) {
    this.#supervisor = supervisor;
    this.#clock = clock;
  }

  async history(): Promise<History> {
    const told = await askWorkers(this.#supervisor.workers, { kind: 'history' });
    return { samples: mergeHistories(told.map(({ report }) => report.history.samples)) };
  }

  /** @throws HttpError where no worker answers */
  async snapshot(query: LiveQuery): Promise<Snapshot> {
    const { workers, isAccepting } = this.#supervisor;
    const told = await askWorkers(workers, { kind: 'snapshot', query: queryOfWorkers(query) });
    if (told.length === 0) throw new HttpError('internal');
    const snapshots = told.map(({ worker, report: { snapshot } }) => {
      const { users } = snapshot;
      const rows = ofNode(users.rows, worker.number, workers.length);
      return { ...snapshot, users: { ...users, rows } };
    });
    const merged = await mergeSnapshots(snapshots, query, this.#clock);
    return { ...merged, node: { ...merged.node, accepting: isAccepting } };
  }

  /** @throws HttpError store_unavailable */
  user(userId: UserId): Promise<UserReport> {
    return nodeUserReport(this.#supervisor, userId);
  }

  close(id: number): Promise<ClosedSession | undefined> {
    return closeSession(this.#supervisor, id);
  }
}
