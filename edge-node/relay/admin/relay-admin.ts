import type { AddressInfo } from 'node:net';
import type { Config } from '../../../shared/config.ts';
import { HttpApp } from '../../../shared/http/http-app.ts';
import { ADMIN_MAX_CONNECTIONS } from '../../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../../shared/logger.ts';
import { guardOperators } from '../../admin/operator-access.ts';
import { createRelayMetrics } from './relay-metrics.ts';
import { relayStatus } from './relay-status.ts';
import type { RelayView } from './relay-view.ts';

interface AdminParts {
  readonly view: RelayView;
  readonly config: Pick<Config, 'ADMIN_HOST' | 'ADMIN_TOKEN' | 'ADMIN_ALLOWED_HOSTS'>;
  readonly logger: Logger;
  readonly limiter: LogLimiter;
}

/**
 * What operators ask of a relay: `GET /healthz` (the process turns), `/readyz` (it runs and does not stop; source and
 * NATS are not looked at, since nothing would be mended by another relay in its place), `/metrics` (Prometheus) and
 * `/status` (JSON).
 */
export class RelayAdmin {
  readonly #app: HttpApp;

  constructor({ view, config, logger, limiter }: AdminParts) {
    const metrics = createRelayMetrics(view);
    this.#app = new HttpApp({
      setting: 'RELAY_ADMIN_PORT',
      room: ADMIN_MAX_CONNECTIONS,
      limiter,
    });
    guardOperators(this.#app.routes, { config, form: [], logger });
    this.#app.routes.get('/healthz', () => ({ status: 'ok' }));
    this.#app.routes.get('/readyz', (_request, reply) => {
      const isReady = view.isRunning();
      return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'stopping' });
    });
    this.#app.routes.get('/metrics', async (_request, reply) => {
      return reply.type(metrics.contentType).send(await metrics.metrics());
    });
    this.#app.routes.get('/status', () => relayStatus(view));
  }

  /** @throws the listener's error, such as EADDRINUSE */
  listen(host: string, port: number): Promise<AddressInfo> {
    return this.#app.listen(host, port);
  }

  /** Answers for `ms` with `connection: close`. */
  drain(ms: number): Promise<void> {
    return this.#app.listener.drain(ms);
  }

  hurry(): void {
    this.#app.listener.hurry();
  }

  close(): Promise<void> {
    return this.#app.close();
  }
}
