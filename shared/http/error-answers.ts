import type { FastifyReply, FastifyRequest } from 'fastify';
import { asError, HttpError, type HttpErrorCode } from '../errors.ts';
import type { LogLimiter } from '../logger.ts';
import { ERROR_BODIES } from './error-body.ts';

/** Codes of Fastify for a path that its router cannot take apart. */
const BAD_PATHS = ['FST_ERR_BAD_URL', 'FST_ERR_MAX_PARAM_LENGTH'];

/** The error to answer where a path cannot be taken apart. */
type CodeOfBadPath = (url: string) => HttpErrorCode;

function catalogued(cause: unknown, url: string, codeOfBadPath: CodeOfBadPath): HttpError {
  if (cause instanceof HttpError) return cause;
  const { code = '', statusCode = 500 } = cause as { code?: string; statusCode?: number };
  if (BAD_PATHS.includes(code)) return new HttpError(codeOfBadPath(url), { cause });
  if (statusCode === 413) return new HttpError('body_too_large', { cause });
  return new HttpError(statusCode < 500 ? 'bad_request' : 'internal', { cause });
}

/**
 * The handler for whatever a route or the framework throws. What is our fault is logged with the request's id, which
 * the answer carries too; the cause stands in the log alone.
 */
export function answerErrors(limiter: LogLimiter, codeOfBadPath: CodeOfBadPath) {
  return (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const error = catalogued(thrown, request.url, codeOfBadPath);
    if (error.statusCode === 500) {
      const { id: requestId, method } = request;
      const url = pathOf(request.url);
      limiter.error(error.message, { requestId, method, url, err: asError(error.cause ?? error) });
    }
    reply
      .code(error.statusCode)
      .header('x-request-id', request.id)
      .type('application/json')
      .send(ERROR_BODIES[error.code]);
  };
}

/** A URL without its query, which may hold a token: as a log may show it. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '';
}
