import { HttpError } from '../shared/errors.ts';
import { parseUserId } from '../shared/ids.ts';
import type { ChannelUsage } from '../shared/store/store.ts';
import { firstMinuteOf, secondsByChannel, secondsByHour } from '../shared/usage-window.ts';
import type { Route } from './route.ts';

export const USAGE_PATH = '/usage/';

/** What is asked for beside the total: `?by=hour`. Of a query it is `by` alone that means anything. */
interface UsageQuery {
  readonly by?: unknown;
}

function bodyOf(read: readonly ChannelUsage[], nowMs: number, by: unknown): string {
  const sessions = secondsByChannel(read, nowMs);
  if (by === undefined) return JSON.stringify({ sessions });
  return JSON.stringify({ sessions, hours: secondsByHour(read, nowMs) });
}

/**
 * `GET /usage/{userId}`: whole seconds per channel, of the last 24 hours, and with `?by=hour` of each of them; none for
 * a user nobody knows.
 */
export const usageRoute: Route = {
  path: /^\/usage\/[^/]*$/,
  allow: 'GET, HEAD',
  add(app, { ask, now, authorize }) {
    app.get<{ Params: { userId: string }; Querystring: UsageQuery }>(
      `${USAGE_PATH}:userId`,
      async (request, reply) => {
        const userId = parseUserId(request.params.userId);
        if (userId === undefined) throw new HttpError('bad_user_id');
        authorize(request, userId, 'usage');
        const { by } = request.query;
        if (by !== undefined && by !== 'hour') throw new HttpError('bad_request');
        const nowMs = now();
        const from = firstMinuteOf(nowMs);
        const read = await ask(
          'readUsage',
          (store, abandoned) => store.readUsage(userId, from, abandoned),
          request.raw.signal,
        );
        return reply.type('application/json').send(bodyOf(read, nowMs, by));
      },
    );
  },
};
