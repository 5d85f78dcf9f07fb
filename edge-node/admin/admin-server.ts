import type { AddressInfo } from 'node:net';
import type { Config } from '../../shared/config.ts';
import { HttpApp } from '../../shared/http/http-app.ts';
import { addWebPage, pagePaths } from '../../shared/http/web-page.ts';
import { ADMIN_MAX_CONNECTIONS } from '../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../shared/logger.ts';
import { InTurn } from '../delivery/in-turn.ts';
import { LOAD_HEADER, loadOf, loadReport } from '../placement/load.ts';
import { channelMetricsText } from './channel-metrics.ts';
import type { EdgeView } from './edge-view.ts';
import { histogramMetricsText } from './histogram-metrics.ts';
import { LiveStreams } from './live/live-streams.ts';
import { addOperatorRoutes } from './live/operator-routes.ts';
import { ProcessOperators } from './live/process-operators.ts';
import { createMetrics } from './metrics.ts';
import { guardOperators } from './operator-access.ts';
import { edgeStatus, storeAnswers } from './status.ts';

interface AdminParts {
  readonly view: EdgeView;
  readonly config: Pick<Config, 'ADMIN_HOST' | 'ADMIN_TOKEN' | 'ADMIN_ALLOWED_HOSTS'>;
  readonly logger: Logger;
  readonly limiter: LogLimiter;
}

/**
 * What operators and balancers ask of an edge node: `GET /healthz` (the process turns), `/readyz` (it accepts users
 * and is not draining; store and source are not looked at, since taking the node out for them would cut users off
 * for nothing), `/metrics` (Prometheus), `/status` (JSON), and the operators' page at `/` with what it asks for:
 * `/events`, `/users/{user}`, and to end one session `POST /sessions/{id}/close`.
 */
export class AdminServer {
  readonly #app: HttpApp;
  readonly #view: EdgeView;
  /** What takes long for a node with many channels or users: one at a time, however many ask. */
  readonly #heavy = new InTurn();
  readonly #operators: ProcessOperators;
  readonly #live: LiveStreams;
  #metricsUnderWay: Promise<Buffer> | undefined;

  constructor({ view, config, logger, limiter }: AdminParts) {
    this.#view = view;
    this.#operators = new ProcessOperators(view);
    this.#live = new LiveStreams({ operators: this.#operators, heavy: this.#heavy, limiter });
    this.#app = new HttpApp({
      setting: 'ADMIN_PORT',
      maxConnections: ADMIN_MAX_CONNECTIONS,
      limiter,
    });
    guardOperators(this.#app.routes, { config, form: pagePaths('operator'), logger });
    addOperatorRoutes(this.#app.routes, { operators: this.#operators, live: this.#live, logger });
    this.#healthRoutes();
    this.#statusRoute();
  }

  /** @throws the listener's error, such as EADDRINUSE */
  async listen(host: string, port: number): Promise<AddressInfo> {
    await addWebPage(this.#app.routes, 'operator');
    const at = await this.#app.listen(host, port);
    this.#operators.start();
    return at;
  }

  /** Answers for `ms` with `connection: close`, so that no client is cut off in a request of its own. */
  drain(ms: number): Promise<void> {
    return this.#app.listener.drain(ms);
  }

  hurry(): void {
    this.#app.listener.hurry();
  }

  /** Operators see a stop to its end: only now their streams end. */
  close(): Promise<void> {
    this.#operators.stop();
    this.#live.stop();
    return this.#app.close();
  }

  #healthRoutes(): void {
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
    const { routes } = this.#app;
    routes.get('/healthz', () => ({ status: 'ok' }));
    routes.get('/readyz', (_request, reply) => {
      const isReady = view.isAccepting();
      reply.header(LOAD_HEADER, loadReport(loadOf(view)));
      return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'draining' });
    });
    // Whoever asks while the page is being made is given that one.
    routes.get('/metrics', async (_request, reply) => {
      this.#metricsUnderWay ??= this.#heavy.run(page).finally(() => {
        this.#metricsUnderWay = undefined;
      });
      return reply.type(metrics.contentType).send(await this.#metricsUnderWay);
    });
  }

  #statusRoute(): void {
    const view = this.#view;
    this.#app.routes.get<{ Querystring: { user?: string } }>(
      '/status',
      async ({ query }, reply) => {
        const answers = await storeAnswers(view);
        const status = await this.#heavy.run(() => edgeStatus(view, answers, query.user));
        return reply.type('application/json').header('cache-control', 'no-store').send(status);
      },
    );
  }
}
