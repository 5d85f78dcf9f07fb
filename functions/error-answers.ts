import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HTTP_ERRORS, HttpError, type HttpErrorCode } from '../shared/errors.ts';
import type { LogLimiter } from '../shared/logger.ts';
import { USAGE_PATH } from './usage.ts';

/** Errors leave here as JSON `{"code","message"}` out of the catalogue, the framework's and the parser's own too. */
export const ERROR_BODIES = Object.fromEntries(
  Object.entries(HTTP_ERRORS).map(([code, { message }]) => [
    code,
    JSON.stringify({ code, message }),
  ]),
) as Record<HttpErrorCode, string>;

/** Codes of Fastify for a path that its router cannot take apart. */
const BAD_PATHS = ['FST_ERR_BAD_URL', 'FST_ERR_MAX_PARAM_LENGTH'];

function catalogued(cause: unknown, url: string): HttpError {
  if (cause instanceof HttpError) return cause;
  const { code = '', statusCode = 500 } = cause as { code?: string; statusCode?: number };
  if (BAD_PATHS.includes(code) && url.startsWith(USAGE_PATH)) {
    return new HttpError('bad_user_id', { cause });
  }
  if (statusCode === 413) return new HttpError('body_too_large', { cause });
  return new HttpError(statusCode < 500 ? 'bad_request' : 'internal', { cause });
}

/**
 * The handler for whatever a route or the framework throws. What is our fault is logged with the request's id, which
 * the answer carries too; the cause stands in the log alone.
 */
export function answerErrors(limiter: LogLimiter) {
  return (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const error = catalogued(thrown, request.url);
    if (error.statusCode === 500) {
      const { id: requestId, method, url } = request;
      limiter.error(error.message, { requestId, method, url, err: error.cause ?? error });
    }
    reply
      .code(error.statusCode)
      .header('x-request-id', request.id)
      .type('application/json')
      .send(ERROR_BODIES[error.code]);
  };
}

/** The answer to bytes that are no HTTP request, or to one that took too long to arrive. */
export function answerUnparsable(error: Error & { code?: string }, socket: Socket): void {
  if (socket.writable && error.code !== 'ECONNRESET') {
    const body = ERROR_BODIES.bad_request;
    socket.write(
      `HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroySoon();
}
