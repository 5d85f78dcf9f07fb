import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type FastifyInstance, fastify } from 'fastify';
import { HttpError } from '../shared/errors.ts';
import { USER_ID_MAX_BYTES } from '../shared/ids.ts';
import {
  HTTP_BODY_MAX_BYTES,
  HTTP_REQUEST_TIMEOUT_MS,
  HTTP_TIMEOUT_CHECK_MS,
} from '../shared/limits.ts';
import { type Logger, LogLimiter } from '../shared/logger.ts';
import type { Store } from '../shared/store/store.ts';
import { answerErrors, answerUnparsable } from './error-answers.ts';
import { healthRoute } from './health.ts';
import { registerRoute } from './register.ts';
import type { Route } from './route.ts';
import { usageRoute } from './usage.ts';

export interface AppParts {
  readonly store: Store;
  readonly logger: Logger;
  /** Milliseconds since the Unix epoch; what /usage takes for the present. */
  readonly now?: () => number;
}

const FORWARDED_ID = /^[\w.:=-]{1,128}$/;
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
  const [path = ''] = url.split('?', 1);
  const route = routes.find((candidate) => candidate.path.test(path));
  if (route === undefined) return { error: new HttpError('not_found') };
  return { error: new HttpError('method_not_allowed'), allow: route.allow };
}

/**
 * The HTTP service, without a port: server.ts listens with it, lambda/ and tests inject requests. Once closing, it
 * answers what is under way, tells clients to let go of their connections, and is not ready. The store stays the
 * caller's to close.
 */
export function buildApp(
  { store, logger, now = Date.now }: AppParts,
  routes: readonly Route[] = [registerRoute, usageRoute],
): FastifyInstance {
  const served = [...routes, healthRoute];
  const limiter = new LogLimiter(logger);
  const answerError = answerErrors(limiter);
  const app = fastify({
    // A logger of Fastify's own would cost each request a child logger and two lines.
    logger: false,
    genReqId: requestIds(),
    bodyLimit: HTTP_BODY_MAX_BYTES,
    requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
    http: {
      requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
      headersTimeout: HTTP_REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: HTTP_TIMEOUT_CHECK_MS,
      // Node's own answer would have no body; the hook below refuses such requests instead.
      requireHostHeader: false,
    },
    routerOptions: { maxParamLength: PATH_PARAM_MAX_CHARS },
    return503OnClosing: false,
    frameworkErrors: answerError,
    clientErrorHandler: answerUnparsable,
  });
  app.setErrorHandler(answerError);
  app.server.on('checkExpectation', app.routing);

  // A body is a user id whatever its type is said to be: types are forgotten before they are looked at.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', (request, reply, done) => {
    const { headers, httpVersion } = request.raw;
    delete headers['content-type'];
    if (headers.host === undefined && httpVersion === '1.1') {
      return done(new HttpError('bad_request'));
    }
    if (!request.is404) return done();
    const { error, allow } = unrouted(served, request.url);
    if (allow !== undefined) reply.header('allow', allow);
    done(error);
  });
  if (logger.isLevelEnabled('debug')) {
    app.addHook('onResponse', (request, reply, done) => {
      const { id: requestId, method, url } = request;
      const ms = Math.round(reply.elapsedTime);
      logger.debug({ requestId, method, url, status: reply.statusCode, ms }, 'request answered');
      done();
    });
  }
  let draining = false;
  app.addHook('preClose', async () => {
    draining = true;
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (draining) reply.header('connection', 'close');
    done(null, payload);
  });
  app.addHook('onClose', async () => limiter.flush());

  for (const route of served) route.add(app, { store, now, draining: () => draining });
  return app;
}
