import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type FastifyInstance, fastify } from 'fastify';
import { wallClockMs } from '../shared/clock.ts';
import { HttpError } from '../shared/errors.ts';
import { answerErrors, pathOf } from '../shared/http/error-answers.ts';
import { USER_ID_MAX_BYTES } from '../shared/ids.ts';
import { HTTP_BODY_MAX_BYTES } from '../shared/limits.ts';
import { type Logger, LogLimiter } from '../shared/logger.ts';
import type { Store } from '../shared/store/store.ts';
import type { Authorize } from './access.ts';
import { healthRoute } from './health.ts';
import type { Metrics } from './metrics.ts';
import { edgesRoute } from './placement/edges.ts';
import { registerRoute, unregisterRoute } from './register.ts';
import type { Route } from './route.ts';
import { storeAnswers } from './store-answer.ts';
import type { Tracing } from './tracing/tracing.ts';
import { usageRoute } from './usage.ts';

export interface AppParts {
  readonly store: Store;
  readonly logger: Logger;
  /** Milliseconds since the Unix epoch; what /usage takes for the present. */
  readonly now?: () => number;
  /** Whether a stop has been announced: what is asked is still answered, but this process is not ready. */
  readonly isDraining?: () => boolean;
  /** Where it is left out, everyone may ask for all but what is the operator's. */
  readonly authorize?: Authorize;
  readonly metrics?: Metrics;
  readonly tracing?: Tracing | undefined;
  /** The level at which each request has a line of the log. */
  readonly requestLogLevel?: 'debug' | 'info';
}

const FORWARDED_ID = /^[\w.:=-]{1,128}$/;
/** The paths that end in a user id. */
const USER_PATH = /^\/(usage|register)\//;
/** Every byte of an id may come percent-encoded. */
const PATH_PARAM_MAX_CHARS = 3 * USER_ID_MAX_BYTES;

/** The id that a gateway gave the request, else one of our own: a random part per process and a number. */
function requestIds(): (request: IncomingMessage) => string {
  const process = randomUUID().slice(0, 8);
  let count = 0;
  return ({ headers }) => {
    const forwarded = headers['x-request-id'];
    if (typeof forwarded === 'string' && FORWARDED_ID.test(forwarded)) return forwarded;
    count += 1;
    return `${process}-${count}`;
  };
}

/** What a request to no route of ours has wrong: its path, or only its method. */
function unrouted(routes: readonly Route[], url: string): { error: HttpError; allow?: string } {
  const path = pathOf(url);
  const route = routes.find((candidate) => candidate.path.test(path));
  if (route === undefined) return { error: new HttpError('not_found') };
  return { error: new HttpError('method_not_allowed'), allow: route.allow };
}

const everyone: Authorize = (_request, _userId, purpose) => {
  if (purpose === 'unregister') throw new HttpError('api_key_needed');
};

/** What functions is there for; /healthz and /readyz come with whichever of them are served. */
export const ROUTES: readonly Route[] = [registerRoute, unregisterRoute, usageRoute, edgesRoute];

/**
 * The HTTP service, without a port: server.ts hands it what it hears, lambda/ and tests inject requests. The store stays
 * the caller's to close.
 */
export function buildApp(
  {
    store,
    logger,
    now = wallClockMs,
    isDraining = () => false,
    authorize = everyone,
    metrics,
    tracing,
    requestLogLevel = 'debug',
  }: AppParts,
  routes: readonly Route[] = ROUTES,
): FastifyInstance {
  const served = [...routes, healthRoute];
  const limiter = new LogLimiter(logger);
  const answerError = answerErrors(limiter, (url) =>
    USER_PATH.test(url) ? 'bad_user_id' : 'bad_request',
  );
  const app = fastify({
    // A logger of Fastify's own would cost each request a child logger and two lines.
    logger: false,
    genReqId: requestIds(),
    bodyLimit: HTTP_BODY_MAX_BYTES,
    routerOptions: { maxParamLength: PATH_PARAM_MAX_CHARS },
    frameworkErrors: answerError,
  });
  app.setErrorHandler(answerError);

  tracing?.watch(app);

  // A body is a user id whatever its type is said to be: types are forgotten before they are looked at.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', (request, reply, done) => {
    delete request.raw.headers['content-type'];
    if (!request.is404) return done();
    const { error, allow } = unrouted(served, request.url);
    if (allow !== undefined) reply.header('allow', allow);
    done(error);
  });
  if (logger.isLevelEnabled(requestLogLevel)) {
    app.addHook('onResponse', (request, reply, done) => {
      const { id: requestId, method } = request;
      const url = pathOf(request.url);
      const ms = Math.round(reply.elapsedTime);
      logger[requestLogLevel](
        { requestId, method, url, status: reply.statusCode, ms },
        'request answered',
      );
      done();
    });
  }
  if (metrics !== undefined) {
    app.addHook('onResponse', ({ method, routeOptions }, reply, done) => {
      metrics.requestAnswered(routeOptions.url ?? '', method, reply.statusCode, reply.elapsedTime);
      done();
    });
  }
  app.addHook('onClose', async () => limiter.flush());

  const ask = storeAnswers(store, metrics, tracing);
  for (const route of served) route.add(app, { ask, now, isDraining, authorize });
  return app;
}
