import type { AddressInfo } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import { HttpError } from '../../../shared/errors.ts';
import { answerErrors } from '../../../shared/http/error-answers.ts';
import { HttpListener } from '../../../shared/http/http-listener.ts';
import { ADMIN_MAX_CONNECTIONS, HTTP_BODY_MAX_BYTES } from '../../../shared/limits.ts';
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
  readonly #app: FastifyInstance;
  readonly #listener: HttpListener;

  constructor({ view, allowedHosts, limiter }: AdminParts) {
    const metrics = createGatewayMetrics(view);
    const isAllowed = hostCheck(allowedHosts);
    const answerError = answerErrors(limiter, () => 'bad_request');
    this.#app = fastify({
      logger: false,
      bodyLimit: HTTP_BODY_MAX_BYTES,
      frameworkErrors: answerError,
    });
    this.#app.setErrorHandler(answerError);
    this.#app.setNotFoundHandler(() => {
      throw new HttpError('not_found');
    });
    this.#app.get('/healthz', () => ({ status: 'ok' }));
    this.#app.get('/readyz', (_request, reply) => {
      const isReady = view.feed.isListening;
      return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'stopping' });
    });
    this.#app.get('/metrics', async (_request, reply) => {
      return reply.type(metrics.contentType).send(await metrics.metrics());
    });
    this.#app.get('/status', ({ headers }) => {
      if (!isAllowed(headers.host)) throw new HttpError('misdirected');
      return gatewayStatus(view);
    });
    this.#listener = new HttpListener({
      setting: 'GATEWAY_ADMIN_PORT',
      handler: this.#app.routing,
      maxConnections: ADMIN_MAX_CONNECTIONS,
      limiter,
    });
  }

  /** @throws the listener's error, such as EADDRINUSE */
  async listen(host: string, port: number): Promise<AddressInfo> {
    await this.#app.ready();
    return this.#listener.listen(host, port);
  }

  async close(): Promise<void> {
    await this.#listener.close();
    await this.#app.close();
  }
}
