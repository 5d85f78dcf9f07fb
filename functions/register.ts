import { isUtf8 } from 'node:buffer';
import { HttpError } from '../shared/errors.ts';
import { parseUserId, type UserId } from '../shared/ids.ts';
import type { Route } from './route.ts';

function userIdIn(body: Buffer): UserId | undefined {
  const [line = ''] = body.toString().split('\n', 1);
  return isUtf8(body) ? parseUserId(line.trim()) : undefined;
}

/** `POST /register`, body: the user id on the first line. 200 with an empty body, for a known user too. */
export const registerRoute: Route = {
  path: /^\/register$/,
  allow: 'POST',
  add(app, { ask, authorize }) {
    app.post<{ Body?: Buffer }>('/register', async (request, reply) => {
      const { body } = request;
      const userId = body === undefined ? undefined : userIdIn(body);
      if (userId === undefined) throw new HttpError('bad_user_id');
      authorize(request, userId, 'register');
      await ask('register', (store) => store.register(userId));
      return reply.send();
    });
  },
};
