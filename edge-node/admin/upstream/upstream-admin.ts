import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { blaming } from '../../../shared/bind.ts';
import type { Config } from '../../../shared/config.ts';
import { HttpApp } from '../../../shared/http/http-app.ts';
import { ADMIN_MAX_CONNECTIONS } from '../../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../../shared/logger.ts';
import { guardOperators } from '../operator-access.ts';

type PortSetting = 'GATEWAY_ADMIN_PORT' | 'RELAY_ADMIN_PORT';

interface AdminParts {
  readonly setting: PortSetting;
  /** Started, and not stopping. */
  readonly isReady: () => boolean;
  readonly metrics: Registry;
  readonly status: () => object;
  readonly config: Pick<Config, 'ADMIN_HOST' | 'ADMIN_TOKEN' | 'ADMIN_ALLOWED_HOSTS' | PortSetting>;
  readonly logger: Logger;
  readonly limiter: LogLimiter;
}

/**
 * What operators ask of a process that edge nodes get packets from, a gateway or a relay: `GET /healthz` (the process
 * turns), `/readyz` (it runs and does not stop; what it depends on is not looked at, since nothing would be mended by
 * another in its place), `/metrics` (Prometheus) and `/status` (JSON).
 */
export class UpstreamAdmin {
  readonly #parts: AdminParts;
  readonly #app: HttpApp;

  constructor(parts: AdminParts) {
    this.#parts = parts;
    const { setting, isReady, metrics, status, config, logger, limiter } = parts;
    this.#app = new HttpApp({ setting, room: ADMIN_MAX_CONNECTIONS, limiter });
    const { routes } = this.#app;
    guardOperators(routes, { config, form: [], logger });
    routes.get('/healthz', () => ({ status: 'ok' }));
    routes.get('/readyz', (_request, reply) =>
      isReady() ? reply.send({ status: 'ready' }) : reply.code(503).send({ status: 'stopping' }),
    );
    routes.get('/metrics', async (_request, reply) => {
      return reply.type(metrics.contentType).send(await metrics.metrics());
    });
    routes.get('/status', status);
  }

  /** @throws ConfigError that names the settings of the port */
  listen(): Promise<AddressInfo> {
    const { setting, config } = this.#parts;
    return this.#app
      .listen(config.ADMIN_HOST, config[setting])
      .catch(blaming(`ADMIN_HOST, ${setting}`));
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
