import type { AddressInfo } from 'node:net';
import { HttpError } from '../../../shared/errors.ts';
import { HttpApp } from '../../../shared/http/http-app.ts';
import { ADMIN_MAX_CONNECTIONS } from '../../../shared/limits.ts';
import type { LogLimiter } from '../../../shared/logger.ts';
import { hostCheck } from '../../admin/allowed-hosts.ts';
import { createGatewayMetrics } from './gateway-metrics.ts';
import { gatewayStatus } from './gateway-status.ts';
import type { GatewayView } from './gateway-view.ts';

interface AdminParts {
  readonly view: GatewayView;
  readonly allowedHosts: readonly string[];
  readonly limiter: LogLimiter;
}

/**
 * What operators ask of a gateway: `GET /healthz` (the process turns), `/readyz` (edge nodes can connect), `/metrics`
 * (Prometheus) and `/status` (JSON).
 */
export class GatewayAdmin {
  readonly #app: HttpApp;

  constructor({ view, allowedHosts, limiter }: AdminParts) {
    const metrics = createGatewayMetrics(view);
    const isAllowed = hostCheck(allowedHosts);
    this.#app = new HttpApp({
      setting: 'GATEWAY_ADMIN_PORT',
      maxConnections: ADMIN_MAX_CONNECTIONS,
      limiter,
    });
    this.#app.routes.get('/healthz', () => ({ status: 'ok' }));
    this.#app.routes.get('/readyz', (_request, reply) => {
      const isReady = view.feed.isListening;
      return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'stopping' });
    });
    this.#app.routes.get('/metrics', async (_request, reply) => {
      return reply.type(metrics.contentType).send(await metrics.metrics());
    });
    this.#app.routes.get('/status', ({ headers }) => {
      if (!isAllowed(headers.host)) throw new HttpError('misdirected');
      return gatewayStatus(view);
    });
  }

  /** @throws the listener's error, such as EADDRINUSE */
  listen(host: string, port: number): Promise<AddressInfo> {
    return this.#app.listen(host, port);
  }

  close(): Promise<void> {
    return this.#app.close();
  }
}
