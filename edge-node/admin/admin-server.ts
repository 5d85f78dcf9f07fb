import type { AddressInfo } from 'node:net';
import { HttpError } from '../../shared/errors.ts';
import { HttpApp } from '../../shared/http/http-app.ts';
import { ADMIN_MAX_CONNECTIONS } from '../../shared/limits.ts';
import type { LogLimiter } from '../../shared/logger.ts';
import { InTurn } from '../delivery/in-turn.ts';
import { hostCheck } from './allowed-hosts.ts';
import { channelMetricsText } from './channel-metrics.ts';
import type { EdgeView } from './edge-view.ts';
import { histogramMetricsText } from './histogram-metrics.ts';
import { createMetrics } from './metrics.ts';
import { edgeStatus, storeAnswers } from './status.ts';

interface AdminParts {
  readonly view: EdgeView;
  readonly allowedHosts: readonly string[];
  readonly limiter: LogLimiter;
}

/** Asked by any host name: they tell nothing about users, and balancers and scrapers use names of their own. */
const FOR_ANY_HOST = ['/healthz', '/readyz', '/metrics'];

/**
 * What operators and balancers ask of an edge node: `GET /healthz` (the process turns), `/readyz` (it accepts users
 * and is not draining; store and source are not looked at, since taking the node out for them would cut users off
 * for nothing), `/metrics` (Prometheus) and `/status` (JSON).
 */
export class AdminServer {
  readonly #app: HttpApp;
  readonly #view: EdgeView;
  readonly #heavy = new InTurn();
  #metricsUnderWay: Promise<Buffer> | undefined;

  constructor({ view, allowedHosts, limiter }: AdminParts) {
    this.#view = view;
    this.#app = new HttpApp({
      setting: 'ADMIN_PORT',
      maxConnections: ADMIN_MAX_CONNECTIONS,
      limiter,
    });
    const isAllowed = hostCheck(allowedHosts);
    this.#app.routes.addHook('onRequest', async ({ headers, routeOptions }) => {
      if (FOR_ANY_HOST.includes(routeOptions.url ?? '') || isAllowed(headers.host)) return;
      throw new HttpError('misdirected');
    });
    this.#route();
  }

  /** @throws the listener's error, such as EADDRINUSE */
  listen(host: string, port: number): Promise<AddressInfo> {
    return this.#app.listen(host, port);
  }

  /** Answers for `ms` with `connection: close`, so that no client is cut off in a request of its own. */
  drain(ms: number): Promise<void> {
    return this.#app.listener.drain(ms);
  }

  hurry(): void {
    this.#app.listener.hurry();
  }

  close(): Promise<void> {
    return this.#app.close();
  }

  #route(): void {
    const view = this.#view;
    const metrics = createMetrics(view, () => this.#app.listener);
    const page = async () => {
      const ofNode = Buffer.from(await metrics.metrics());
      return Buffer.concat([
        ofNode,
        histogramMetricsText(view),
        ...(await channelMetricsText(view.channels.channels, view.clock)),
      ]);
    };
    this.#app.routes.get('/healthz', () => ({ status: 'ok' }));
    this.#app.routes.get('/readyz', (_request, reply) => {
      const isReady = view.isAccepting();
      return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'draining' });
    });
    // Whoever asks while the page is being made is given that one.
    this.#app.routes.get('/metrics', async (_request, reply) => {
      this.#metricsUnderWay ??= this.#heavy.run(page).finally(() => {
        this.#metricsUnderWay = undefined;
      });
      return reply.type(metrics.contentType).send(await this.#metricsUnderWay);
    });
    this.#app.routes.get<{ Querystring: { user?: string } }>(
      '/status',
      async ({ query }, reply) => {
        const answers = await storeAnswers(view);
        const status = await this.#heavy.run(() => edgeStatus(view, answers, query.user));
        return reply.type('application/json').send(status);
      },
    );
  }
}
