import { awsLambdaFastify } from '@fastify/aws-lambda';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { asError, HTTP_ERRORS, HttpError, type HttpErrorCode } from '../../shared/errors.ts';
import { ERROR_BODIES } from '../../shared/http/error-body.ts';
import { METHODS } from '../../shared/http/node-http.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Authorize } from '../access.ts';
import { type HttpEvent, parseHttpEvent } from './http-event.ts';

/** What the gateway is given for its client. */
export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Access to an app behind httpApiHandler: a token that API Gateway has checked is good for its own user alone (and
 * for the list of edge nodes), and not for taking away what that user is billed by.
 */
export const accessBySubject: Authorize = (request, userId, purpose) => {
  const { event } = (request as FastifyRequest & { awsLambda: { event: HttpEvent } }).awsLambda;
  if (purpose === 'unregister' && !event.isSigned) throw new HttpError('api_key_needed');
  if (purpose === 'edges') return;
  if (event.subject !== undefined && event.subject !== userId) throw new HttpError('forbidden');
};

function refusal(code: HttpErrorCode): HttpAnswer {
  return {
    statusCode: HTTP_ERRORS[code].status,
    headers: { 'content-type': 'application/json' },
    body: ERROR_BODIES[code],
  };
}

/**
 * Lets `app` answer the events of an HTTP API or a Function URL. It answers every event and throws for none: an error
 * of an invocation means that this service is broken, and no client may cause one.
 */
export function httpApiHandler(app: FastifyInstance, logger: Logger) {
  const answer = awsLambdaFastify<HttpEvent>(app, { decorateRequest: true });
  return async (given: unknown, context: unknown): Promise<HttpAnswer> => {
    const event = parseHttpEvent(given);
    if (event === undefined) {
      logger.warn(
        { fields: Object.keys(Object(given)).slice(0, 20) },
        'refused an event that is not of payload format 2.0: call this function through an HTTP API or a Function URL',
      );
      return refusal('bad_request');
    }
    // What an HTTP server's parser would not have let through.
    if (!METHODS.includes(event.requestContext.http.method)) return refusal('bad_request');
    try {
      return await answer(event, context);
    } catch (err) {
      logger.error(
        { err: asError(err), requestId: event.requestContext.requestId },
        'request failed: answered 500',
      );
      return refusal('internal');
    }
  };
}
