import type { ChannelId, UserId } from '../../../shared/ids.ts';
import type { History, Snapshot, UserReport } from '../snapshot.ts';
import type { LiveQuery } from './live-query.ts';

/** What is told of a session that an operator closes. */
export interface ClosedSession {
  readonly user: UserId;
  readonly channel: ChannelId;
}

/** What operators are told, and may do: of one process, or of all workers of a node. */
export interface Operators {
  history(): Promise<History>;
  snapshot(query: LiveQuery): Promise<Snapshot>;
  /** @throws HttpError store_unavailable */
  user(userId: UserId): Promise<UserReport>;
  /** @returns undefined where there is no such session */
  close(id: number): Promise<ClosedSession | undefined>;
}
