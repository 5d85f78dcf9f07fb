import type { AddressInfo } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import { HttpError } from '../errors.ts';
import { USER_ID_MAX_BYTES } from '../ids.ts';
import { HTTP_BODY_MAX_BYTES } from '../limits.ts';
import { answerErrors } from './error-answers.ts';
import { HttpListener, type HttpListenerOptions } from './http-listener.ts';

interface HttpAppOptions extends Omit<HttpListenerOptions, 'handler'> {
  /** Whether a GET route answers HEAD by itself, as it does unless told otherwise. */
  readonly exposeHeadRoutes?: boolean;
  /** What an Allow header says where the path is one of ours and only the method is not. */
  readonly allowOf?: (url: string) => string | undefined;
}

/** Every byte of an id may come percent-encoded. */
const PATH_PARAM_MAX_CHARS = 3 * USER_ID_MAX_BYTES;

/** A port of a process that lives long: Fastify routes, errors are the catalogue's, and HttpListener guards it. */
export class HttpApp {
  readonly routes: FastifyInstance;
  readonly listener: HttpListener;

  constructor({ exposeHeadRoutes = true, allowOf = () => undefined, ...policy }: HttpAppOptions) {
    const answerError = answerErrors(policy.limiter, () => 'bad_request');
    this.routes = fastify({
      logger: false,
      exposeHeadRoutes,
      bodyLimit: HTTP_BODY_MAX_BYTES,
      routerOptions: { maxParamLength: PATH_PARAM_MAX_CHARS },
      frameworkErrors: answerError,
    });
    this.routes.setErrorHandler(answerError);
    this.routes.setNotFoundHandler((request, reply) => {
      const allow = allowOf(request.url);
      if (allow === undefined) throw new HttpError('not_found');
      reply.header('allow', allow);
      throw new HttpError('method_not_allowed');
    });
    this.listener = new HttpListener({ ...policy, handler: this.routes.routing });
  }

  /** @throws the listener's error, such as EADDRINUSE */
  async listen(host: string, port: number): Promise<AddressInfo> {
    await this.routes.ready();
    return this.listener.listen(host, port);
  }

  async close(): Promise<void> {
    await this.listener.close();
    await this.routes.close();
  }
}
