import { HttpError } from '../shared/errors.ts';
import { parseUserId } from '../shared/ids.ts';
import { firstMinuteOf, secondsByChannel } from '../shared/usage-window.ts';
import type { Route } from './route.ts';

export const USAGE_PATH = '/usage/';

/** `GET /usage/{userId}`: whole seconds per channel, of the last 24 hours; none for a user nobody knows. */
export const usageRoute: Route = {
  path: /^\/usage\/[^/]*$/,
  allow: 'GET, HEAD',
  add(app, { ask, now, authorize }) {
    app.get<{ Params: { userId: string } }>(`${USAGE_PATH}:userId`, async (request, reply) => {
      const userId = parseUserId(request.params.userId);
      if (userId === undefined) throw new HttpError('bad_user_id');
      authorize(request, userId, 'usage');
      const nowMs = now();
      const from = firstMinuteOf(nowMs);
      const channels = await ask(
        'readUsage',
        (store, abandoned) => store.readUsage(userId, from, abandoned),
        request.raw.signal,
      );
      const body = JSON.stringify({ sessions: secondsByChannel(channels, nowMs) });
      return reply.type('application/json').send(body);
    });
  },
};
