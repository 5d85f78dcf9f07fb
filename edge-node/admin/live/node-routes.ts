import type { FastifyInstance } from 'fastify';
import { LOAD_HEADER, loadReport } from '../../placement/load.ts';

interface NodeRouteParts {
  readonly isAccepting: () => boolean;
  /** How full it is, 0 to 1, for balancers that send newcomers where there is room. */
  readonly load: () => number;
  readonly metrics: { readonly contentType: string; readonly page: () => Promise<Buffer> };
  /** In JSON; of one user's sessions where a user is named. */
  readonly status: (user: string | undefined) => Promise<string>;
}

/** What balancers, scrapers and people ask of an edge node: `/healthz`, `/readyz`, `/metrics` and `/status`. */
export function addNodeRoutes(
  routes: FastifyInstance,
  { isAccepting, load, metrics, status }: NodeRouteParts,
): void {
  routes.get('/healthz', () => ({ status: 'ok' }));
  routes.get('/readyz', (_request, reply) => {
    const isReady = isAccepting();
    reply.header(LOAD_HEADER, loadReport(load()));
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'draining' });
  });
  // Whoever asks while the page is being made is given that one.
  let underWay: Promise<Buffer> | undefined;
  routes.get('/metrics', async (_request, reply) => {
    underWay ??= metrics.page().finally(() => {
      underWay = undefined;
    });
    return reply.type(metrics.contentType).send(await underWay);
  });
  routes.get<{ Querystring: { user?: string } }>('/status', async ({ query }, reply) => {
    const told = await status(query.user);
    return reply.type('application/json').header('cache-control', 'no-store').send(told);
  });
}
