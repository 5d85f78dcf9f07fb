import { isUtf8 } from 'node:buffer';
import { HTTP_ERRORS, HttpError } from '../shared/errors.ts';
import { parseUserId, type UserId } from '../shared/ids.ts';
import { HTTP_BODY_MAX_BYTES } from '../shared/limits.ts';
import { type Description, empty, errorAnswers, type Schema } from './description.ts';
import type { Route } from './route.ts';

const BODY: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: HTTP_BODY_MAX_BYTES,
  description: `The first line, trimmed, is the user id; what follows is not read. The ${HTTP_ERRORS.bad_user_id.message}.`,
};
const DESCRIPTION: Description = {
  operationId: 'register',
  summary: 'Lets a user watch',
  description: 'The body is taken whatever its Content-Type is. Registering again is harmless.',
  security: [{}, { bearer: [] }],
  body: { content: { 'text/plain': { schema: BODY } } },
  response: {
    200: empty('The user is registered.'),
    ...errorAnswers(
      'bad_user_id',
      'bad_request',
      'bad_token',
      'forbidden',
      'body_too_large',
      'store_unavailable',
      'internal',
      'shutting_down',
    ),
  },
};

function userIdIn(body: Buffer): UserId | undefined {
  const [line = ''] = body.toString().split('\n', 1);
  return isUtf8(body) ? parseUserId(line.trim()) : undefined;
}

/** `POST /register`, body: the user id on the first line. 200 with an empty body, for a known user too. */
export const registerRoute: Route = {
  path: /^\/register$/,
  allow: 'POST',
  add(app, { ask, authorize }) {
    app.post<{ Body?: Buffer }>(
      '/register',
      { config: { description: DESCRIPTION } },
      async (request, reply) => {
        const { body } = request;
        const userId = body === undefined ? undefined : userIdIn(body);
        if (userId === undefined) throw new HttpError('bad_user_id');
        authorize(request, userId, 'register');
        await ask('register', (store) => store.register(userId));
        return reply.send();
      },
    );
  },
};
