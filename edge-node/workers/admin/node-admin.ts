import type { AddressInfo } from 'node:net';
import { blaming } from '../../../shared/bind.ts';
import type { Clock } from '../../../shared/clock.ts';
import type { Config } from '../../../shared/config.ts';
import { HttpApp } from '../../../shared/http/http-app.ts';
import { addWebPage, pagePaths } from '../../../shared/http/web-page.ts';
import { ADMIN_MAX_CONNECTIONS } from '../../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../../shared/logger.ts';
import { LiveStreams } from '../../admin/live/live-streams.ts';
import { addNodeRoutes } from '../../admin/live/node-routes.ts';
import { addOperatorRoutes } from '../../admin/live/operator-routes.ts';
import { guardOperators } from '../../admin/operator-access.ts';
import { InTurn } from '../../transports/http/in-turn.ts';
import type { WorkerProcess } from '../worker-process.ts';
import { NodeMetrics } from './node-metrics.ts';
import { NodeOperators } from './node-operators.ts';
import { nodeStatus } from './node-status.ts';
import type { SupervisorView } from './supervisor-view.ts';

interface NodeAdminParts {
  readonly config: Pick<Config, 'ADMIN_HOST' | 'ADMIN_TOKEN' | 'ADMIN_ALLOWED_HOSTS'>;
  readonly supervisor: SupervisorView;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limiter: LogLimiter;
  readonly droppedLogLines: () => number;
}

/**
 * What operators and balancers ask of a node of several workers, in the form in which one process answers: it is ready
 * while one worker takes users, and metrics and status are those of all workers together.
 */
export class NodeAdmin {
  readonly #app: HttpApp;
  readonly #metrics: NodeMetrics;
  readonly #live: LiveStreams;

  constructor({ config, supervisor, clock, logger, limiter, droppedLogLines }: NodeAdminParts) {
    this.#app = new HttpApp({
      setting: 'ADMIN_PORT',
      room: ADMIN_MAX_CONNECTIONS,
      limiter,
    });
    const heavy = new InTurn();
    const { routes, listener } = this.#app;
    this.#metrics = new NodeMetrics({ supervisor, listener, clock, droppedLogLines });
    guardOperators(routes, { config, form: pagePaths('operator'), logger });
    const operators = new NodeOperators(supervisor, clock);
    this.#live = new LiveStreams({ operators, heavy, limiter });
    addOperatorRoutes(routes, { operators, live: this.#live, logger });
    addNodeRoutes(routes, {
      isAccepting: () => supervisor.isAccepting,
      load: () => supervisor.load,
      metrics: {
        contentType: this.#metrics.contentType,
        page: () => heavy.run(() => this.#metrics.page()),
      },
      status: (user) => heavy.run(() => nodeStatus(supervisor, clock, user)),
    });
  }

  /** @throws ConfigError where the port cannot be had */
  async listen(host: string, port: number): Promise<AddressInfo> {
    await addWebPage(this.#app.routes, 'operator');
    return this.#app.listen(host, port).catch(blaming('ADMIN_HOST, ADMIN_PORT'));
  }

  /** Its counters go on counting. */
  workerEnded(worker: WorkerProcess): void {
    this.#metrics.workerEnded(worker);
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
    this.#live.stop();
    return this.#app.close();
  }
}
