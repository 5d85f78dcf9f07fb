import type { AddressInfo } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import type { LogLimiter } from '../../shared/logger.ts';
import type { EdgeView } from './edge-view.ts';
import { createMetrics } from './metrics.ts';
import { edgeStatus } from './status.ts';

/**
 * What operators and balancers ask of an edge node: `GET /healthz` (the process turns), `/readyz` (it accepts users
 * and is not draining; store and source are not looked at, since taking the node out for them would cut users off
 * for nothing), `/metrics` (Prometheus) and `/status` (JSON).
 */
export class AdminServer {
  readonly #app: FastifyInstance;

  constructor(view: EdgeView) {
    const metrics = createMetrics(view);
    this.#app = fastify({ logger: false, forceCloseConnections: true });
    this.#app.get('/healthz', () => ({ status: 'ok' }));
    this.#app.get('/readyz', (_request, reply) => {
      const isReady = view.isAccepting();
      return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'draining' });
    });
    this.#app.get('/metrics', async (_request, reply) => {
      return reply.type(metrics.contentType).send(await metrics.metrics());
    });
    this.#app.get<{ Querystring: { user?: string } }>('/status', ({ query }) =>
      edgeStatus(view, query.user),
    );
  }

  /** @throws the listener's error, such as EADDRINUSE */
  async listen(host: string, port: number, log: LogLimiter): Promise<AddressInfo> {
    await this.#app.listen({ host, port });
    this.#app.server.on('error', (err) => log.error('an operator could not be accepted', { err }));
    return this.#app.server.address() as AddressInfo;
  }

  async close(): Promise<void> {
    await this.#app.close();
  }
}
