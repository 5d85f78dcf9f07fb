import { awsLambdaFastify } from '@fastify/aws-lambda';
import type { FastifyInstance } from 'fastify';

/** What is read here of an HttpApi event, payload format 2.0; the rest goes to the app unseen. */
export interface HttpApiEvent {
  /** The request's path, decoded: the gateway has already taken its percent-encoding away. */
  readonly rawPath: string;
}

export interface HttpApiAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A path as the client may have sent it: each segment is data, not syntax, so that the app can decode it once. */
function encodedPath(decoded: string): string {
  return decoded.toWellFormed().split('/').map(encodeURIComponent).join('/');
}

/** Lets `app` answer the events of an HttpApi. */
export function httpApiHandler(app: FastifyInstance) {
  const answer = awsLambdaFastify<HttpApiEvent>(app, { decorateRequest: false });
  return async (event: HttpApiEvent, context: unknown): Promise<HttpApiAnswer> =>
    answer({ ...event, rawPath: encodedPath(event.rawPath) }, context);
}
