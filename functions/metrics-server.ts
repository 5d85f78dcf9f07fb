import type { AddressInfo } from 'node:net';
import { refuse } from '../shared/http/error-body.ts';
import { HttpListener } from '../shared/http/http-listener.ts';
import { ADMIN_MAX_CONNECTIONS } from '../shared/limits.ts';
import type { LogLimiter } from '../shared/logger.ts';
import type { Metrics } from './metrics.ts';

/** `GET /metrics` for operators, on a port that clients do not reach. */
export class MetricsServer {
  readonly #listener: HttpListener;

  constructor({ registry }: Metrics, limiter: LogLimiter) {
    this.#listener = new HttpListener({
      setting: 'SERVER_METRICS_PORT',
      room: ADMIN_MAX_CONNECTIONS,
      limiter,
      handler: async ({ method, url }, response) => {
        if (url !== '/metrics') return refuse(response, 'not_found');
        if (method !== 'GET') return refuse(response, 'method_not_allowed');
        const page = await registry.metrics();
        response.setHeader('content-type', registry.contentType).end(page);
      },
    });
  }

  /** @throws the listener's error, such as EADDRINUSE */
  listen(host: string, port: number): Promise<AddressInfo> {
    return this.#listener.listen(host, port);
  }

  drain(ms: number): Promise<void> {
    return this.#listener.drain(ms);
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}
