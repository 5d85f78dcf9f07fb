import { wallClockMs } from '../../shared/clock.ts';
import { HttpError } from '../../shared/errors.ts';
import type { UserId } from '../../shared/ids.ts';
import { STORE_TIMEOUT_MS } from '../../shared/limits.ts';
import type { ChannelUsage } from '../../shared/store/store.ts';
import { firstMinuteOf, secondsByChannel, secondsByHour } from '../../shared/usage-window.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import type { EdgeView } from './edge-view.ts';
import type { UserReport } from './snapshot.ts';
import { sessionStatus } from './status.ts';

/**
 * What there is to know of a user: the sessions here, and the last 24 hours by the store, of all edge nodes.
 *
 * @throws HttpError store_unavailable
 */
export async function userReport(view: EdgeView, userId: UserId): Promise<UserReport> {
  const nowMs = wallClockMs();
  const read = await readUsage(view, userId, nowMs);
  const sinceMs = view.clock.monotonicMs();
  return {
    user: userId,
    at: nowMs,
    sessions: [...view.sessions.all]
      .filter((session) => session.userId === userId)
      .map((session) => sessionStatus(view, session, sinceMs)),
    usage: { sessions: secondsByChannel(read, nowMs), hours: secondsByHour(read, nowMs) },
  };
}

async function readUsage(
  { store }: EdgeView,
  userId: UserId,
  nowMs: number,
): Promise<readonly ChannelUsage[]> {
  const abandoned = new AbortController();
  try {
    const read = store.readUsage(userId, firstMinuteOf(nowMs), abandoned.signal);
    return await withTimeout(read, STORE_TIMEOUT_MS);
  } catch (cause) {
    throw new HttpError('store_unavailable', { cause });
  } finally {
    abandoned.abort();
  }
}
