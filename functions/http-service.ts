import type { AddressInfo } from 'node:net';
import { blaming } from '../shared/bind.ts';
import { nameOf } from '../shared/config/addresses.ts';
import type { Config } from '../shared/config.ts';
import { HttpListener } from '../shared/http/http-listener.ts';
import { HTTP_MAX_CONNECTIONS, RESERVED_FILES } from '../shared/limits.ts';
import { type Logger, LogLimiter } from '../shared/logger.ts';
import { OpenFilesWatch, openFilesLimit } from '../shared/open-files.ts';
import type { Store } from '../shared/store/store.ts';
import { accessBy } from './access.ts';
import { buildApp } from './app.ts';
import { createMetrics } from './metrics.ts';
import { MetricsServer } from './metrics-server.ts';
import { openTracing } from './tracing/open-tracing.ts';

interface ServiceParts {
  readonly config: Pick<
    Config,
    | 'STORE'
    | 'SERVER_HOST'
    | 'SERVER_PORT'
    | 'SERVER_DRAIN_MS'
    | 'SERVER_METRICS_HOST'
    | 'SERVER_METRICS_PORT'
    | 'SERVER_LOG_REQUESTS'
    | 'API_KEYS'
    | 'STREAM_TOKEN_SECRETS'
    | 'STREAM_TOKEN_JWKS_FILE'
  >;
  /** Stays the caller's to close. */
  readonly store: Store;
  readonly logger: Logger;
  readonly droppedLogLines: () => number;
}

/** The app behind its ports. */
export interface HttpService {
  /** Such as http://127.0.0.1:8080. */
  readonly origin: string;
  /** Where /metrics is served, if it is. */
  readonly metricsOrigin: string | undefined;
  /** Tells clients for SERVER_DRAIN_MS to let go of their connections, then answers what is under way, and ends. */
  stop(): Promise<void>;
}

/** @throws ConfigError where a port cannot be had */
export async function startHttpService({
  config,
  store,
  logger,
  droppedLogLines,
}: ServiceParts): Promise<HttpService> {
  const limiter = new LogLimiter(logger);
  const metrics = createMetrics();
  const tracing = await openTracing({ env: process.env, store: config.STORE, limiter });
  const app = buildApp({
    store,
    logger,
    metrics,
    tracing,
    authorize: accessBy(config),
    isDraining: () => listener.isDraining,
    requestLogLevel: config.SERVER_LOG_REQUESTS,
  });
  await app.ready();
  const listener = new HttpListener({
    setting: 'SERVER_PORT',
    handler: app.routing,
    room: Math.max(1, Math.min(HTTP_MAX_CONNECTIONS, openFilesLimit() - RESERVED_FILES)),
    limiter,
  });
  const files = new OpenFilesWatch(limiter);
  metrics.show({ listener, files, droppedLogLines });
  const operators = new MetricsServer(metrics, limiter);
  const metricsAt =
    config.SERVER_METRICS_PORT === undefined
      ? undefined
      : await operators
          .listen(config.SERVER_METRICS_HOST, config.SERVER_METRICS_PORT)
          .catch(blaming('SERVER_METRICS_HOST, SERVER_METRICS_PORT'));
  const at = await listener
    .listen(config.SERVER_HOST, config.SERVER_PORT)
    .catch(blaming('SERVER_HOST, SERVER_PORT'));
  files.start();
  return {
    origin: originOf(at),
    metricsOrigin: metricsAt && originOf(metricsAt),
    async stop() {
      await Promise.all([
        listener.drain(config.SERVER_DRAIN_MS),
        operators.drain(config.SERVER_DRAIN_MS),
      ]);
      await Promise.all([listener.close(), operators.close()]);
      await app.close();
      await tracing?.close();
      files.stop();
      limiter.flush();
    },
  };
}

function originOf({ address, port }: AddressInfo): string {
  return `http://${nameOf({ host: address, port })}`;
}
