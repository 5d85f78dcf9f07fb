import { isUtf8 } from 'node:buffer';
import { HTTP_ERRORS, HttpError } from '../shared/errors.ts';
import { minuteOf, parseUserId, type UserId } from '../shared/ids.ts';
import { HTTP_BODY_MAX_BYTES } from '../shared/limits.ts';
import {
  type Description,
  empty,
  errorAnswers,
  type Schema,
  USER_ID_SCHEMA,
} from './description.ts';
import type { Route } from './route.ts';

const BODY: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: HTTP_BODY_MAX_BYTES,
  description: `The first line, trimmed, is the user id; what follows is not read. The ${HTTP_ERRORS.bad_user_id.message}.`,
};
const REGISTER: Description = {
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

const UNREGISTER: Description = {
  operationId: 'unregister',
  summary: 'Takes a user’s registration and usage away',
  description:
    'For the operator alone. Who watches is cut off within REGISTRATION_TTL_MS. For a user nobody knows it does nothing, and it may be repeated.',
  security: [{ bearer: [] }],
  params: { type: 'object', properties: { userId: USER_ID_SCHEMA } },
  response: {
    200: empty('The user is not registered, and has no usage.'),
    ...errorAnswers(
      'bad_user_id',
      'bad_request',
      'bad_token',
      'api_key_needed',
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
      { config: { description: REGISTER } },
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

/** `DELETE /register/{userId}`: 200 with an empty body, for a user nobody knows too. */
export const unregisterRoute: Route = {
  path: /^\/register\/[^/]+$/,
  allow: 'DELETE',
  add(app, { ask, now, authorize }) {
    app.delete<{ Params: { userId: string } }>(
      '/register/:userId',
      { config: { description: UNREGISTER } },
      async (request, reply) => {
        const userId = parseUserId(request.params.userId);
        if (userId === undefined) throw new HttpError('bad_user_id');
        authorize(request, userId, 'unregister');
        await ask('unregister', (store) => store.unregister(userId, minuteOf(now())));
        return reply.send();
      },
    );
  },
};
