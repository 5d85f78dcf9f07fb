import { HttpError } from '../shared/errors.ts';
import type { Route } from './route.ts';

/**
 * `GET /healthz`: the process is alive. `GET /readyz`: it takes requests, until it drains. Neither asks the store: one
 * that is away is no reason to restart this process or to send requests elsewhere.
 */
export const healthRoute: Route = {
  path: /^\/(healthz|readyz)$/,
  allow: 'GET, HEAD',
  add(app, { isDraining }) {
    app.get('/healthz', async (_request, reply) => reply.send());
    app.get('/readyz', async (_request, reply) => {
      if (isDraining()) throw new HttpError('shutting_down');
      return reply.send();
    });
  },
};
