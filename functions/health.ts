import { HttpError } from '../shared/errors.ts';
import { type Description, empty, errorAnswers } from './description.ts';
import type { Route } from './route.ts';

const ALIVE: Description = {
  operationId: 'alive',
  summary: 'Whether the process lives',
  response: { 200: empty('It does; nothing is said of the store.') },
};
const READY: Description = {
  operationId: 'ready',
  summary: 'Whether the process takes requests',
  response: { 200: empty('It does.'), ...errorAnswers('shutting_down') },
};

/**
 * `GET /healthz`: the process is alive. `GET /readyz`: it takes requests, until it drains. Neither asks the store: one
 * that is away is no reason to restart this process or to send requests elsewhere.
 */
export const healthRoute: Route = {
  path: /^\/(healthz|readyz)$/,
  allow: 'GET, HEAD',
  add(app, { isDraining }) {
    app.get('/healthz', { config: { description: ALIVE } }, async (_request, reply) =>
      reply.send(),
    );
    app.get('/readyz', { config: { description: READY } }, async (_request, reply) => {
      if (isDraining()) throw new HttpError('shutting_down');
      return reply.send();
    });
  },
};
