import type { FastifyInstance } from 'fastify';
import { HttpError } from '../../../shared/errors.ts';
import { parseUserId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/logger.ts';
import { parseLiveQuery } from './live-query.ts';
import type { LiveStreams } from './live-streams.ts';
import type { Operators } from './operators.ts';

interface RouteParts {
  readonly operators: Operators;
  readonly live: LiveStreams;
  readonly logger: Logger;
}

const SESSION_ID = /^\d{1,15}$/;

/** What the operators' page asks for: `/events`, `/users/{user}`, and to end a session `POST /sessions/{id}/close`. */
export function addOperatorRoutes(
  routes: FastifyInstance,
  { operators, live, logger }: RouteParts,
): void {
  routes.get<{ Querystring: Record<string, unknown> }>(
    '/events',
    { exposeHeadRoute: false },
    (request, reply) => {
      const query = parseLiveQuery(request.query);
      if (query === undefined) throw new HttpError('bad_request');
      reply.hijack();
      live.open(reply.raw, query);
    },
  );
  routes.get<{ Params: { user: string } }>('/users/:user', async ({ params }, reply) => {
    const userId = parseUserId(params.user);
    if (userId === undefined) throw new HttpError('bad_user_id');
    return reply.header('cache-control', 'no-store').send(await operators.user(userId));
  });
  routes.post<{ Params: { id: string } }>('/sessions/:id/close', async ({ params, ip }, reply) => {
    const closed = SESSION_ID.test(params.id)
      ? await operators.close(Number(params.id))
      : undefined;
    if (closed === undefined) throw new HttpError('no_such_session');
    logger.info({ ...closed, operator: ip }, 'an operator closed a session');
    return reply.code(204).send();
  });
}
