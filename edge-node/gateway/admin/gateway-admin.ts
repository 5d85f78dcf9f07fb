import type { AddressInfo } from 'node:net';
import type { Config } from '../../../shared/config.ts';
import { HttpApp } from '../../../shared/http/http-app.ts';
import { ADMIN_MAX_CONNECTIONS } from '../../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../../shared/logger.ts';
import { guardOperators } from '../../admin/operator-access.ts';
import { createGatewayMetrics } from './gateway-metrics.ts';
import { gatewayStatus } from './gateway-status.ts';
import type { GatewayView } from './gateway-view.ts';

interface AdminParts {
  readonly view: GatewayView;
  readonly config: Pick<Config, 'ADMIN_HOST' | 'ADMIN_TOKEN' | 'ADMIN_ALLOWED_HOSTS'>;
  readonly logger: Logger;
  readonly limiter: LogLimiter;
}

/**
 * What operators ask of a gateway: `GET /healthz` (the process turns), `/readyz` (edge nodes can connect), `/metrics`
 * (Prometheus) and `/status` (JSON).
 */
export class GatewayAdmin {
  readonly #app: HttpApp;

  constructor({ view, config, logger, limiter }: AdminParts) {
    const metrics = createGatewayMetrics(view);
    this.#app = new HttpApp({
      setting: 'GATEWAY_ADMIN_PORT',
      room: ADMIN_MAX_CONNECTIONS,
      limiter,
    });
    guardOperators(this.#app.routes, { config, form: [], logger });
    this.#app.routes.get('/healthz', () => ({ status: 'ok' }));
    this.#app.routes.get('/readyz', (_request, reply) => {
      const isReady = view.feed.isListening;
      return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'stopping' });
    });
    this.#app.routes.get('/metrics', async (_request, reply) => {
      return reply.type(metrics.contentType).send(await metrics.metrics());
    });
    this.#app.routes.get('/status', () => gatewayStatus(view));
  }

  /** @throws the listener's error, such as EADDRINUSE */
  listen(host: string, port: number): Promise<AddressInfo> {
    return this.#app.listen(host, port);
  }

  close(): Promise<void> {
    return this.#app.close();
  }
}
