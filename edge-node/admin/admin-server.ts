import type { AddressInfo } from 'node:net';
import type { Config } from '../../shared/config.ts';
import { HttpApp } from '../../shared/http/http-app.ts';
import type { HttpListener } from '../../shared/http/http-listener.ts';
import { addWebPage, pagePaths } from '../../shared/http/web-page.ts';
import { ADMIN_MAX_CONNECTIONS } from '../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../shared/logger.ts';
import { loadOf } from '../placement/load.ts';
import { InTurn } from '../transports/http/in-turn.ts';
import { channelMetricsText } from './channel-metrics.ts';
import type { EdgeView } from './edge-view.ts';
import { histogramMetricsText } from './histogram-metrics.ts';
import { LiveStreams } from './live/live-streams.ts';
import { addNodeRoutes } from './live/node-routes.ts';
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
  readonly #operators: ProcessOperators;
  readonly #live: LiveStreams;

  constructor({ view, config, logger, limiter }: AdminParts) {
    // What takes long for a node with many channels or users: one at a time, however many ask.
    const heavy = new InTurn();
    const operators = new ProcessOperators(view);
    this.#operators = operators;
    this.#live = new LiveStreams({ operators, heavy, limiter });
    this.#app = new HttpApp({
      setting: 'ADMIN_PORT',
      room: ADMIN_MAX_CONNECTIONS,
      limiter,
    });
    const { routes, listener } = this.#app;
    guardOperators(routes, { config, form: pagePaths('operator'), logger });
    addOperatorRoutes(routes, { operators, live: this.#live, logger });
    const { contentType, page } = metricsPage(view, listener);
    addNodeRoutes(routes, {
      isAccepting: view.isAccepting,
      load: () => loadOf(view),
      metrics: { contentType, page: () => heavy.run(page) },
      status: async (user) => {
        const answers = await storeAnswers(view);
        return heavy.run(() => edgeStatus(view, answers, user));
      },
    });
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
}

/** The page of metrics of this process. */
function metricsPage(view: EdgeView, listener: HttpListener) {
  const registry = createMetrics(view, listener);
  const page = async () => {
    const ofNode = Buffer.from(await registry.metrics());
    return Buffer.concat([
      ofNode,
      histogramMetricsText(view),
      ...(await channelMetricsText(view.channels.channels, view.clock)),
    ]);
  };
  return { contentType: registry.contentType, page };
}
