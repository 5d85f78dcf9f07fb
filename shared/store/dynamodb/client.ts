import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { StoreAwayError, StoreSetupError } from '../../errors.ts';
import { TimeLimitError, withTimeout } from '../../with-timeout.ts';

/** What the SDK reads as the endpoint, the first that is set. */
const ENDPOINT_VARIABLES = ['AWS_ENDPOINT_URL_DYNAMODB', 'AWS_ENDPOINT_URL'] as const;

/** The SDK would take an endpoint without a scheme, and fail at each request as if nobody answered. */
function checkEndpoint(): void {
  for (const name of ENDPOINT_VARIABLES) {
    const value = process.env[name];
    if (value && !/^https?:\/\/./.test(value)) {
      throw new StoreSetupError(`${name}=${value} must begin with http:// or https://`);
    }
  }
}

interface ClientOptions {
  /** Requests at once; each has a connection. */
  readonly sockets: number;
  /** After so long without an answer a request is tried anew, on another connection: one that died answers nothing. */
  readonly attemptMs: number;
}

/**
 * Endpoint, region and credentials come by the SDK's own variables and files.
 * @throws StoreSetupError where the endpoint is no URL
 */
export function createDynamoDbClient(options: ClientOptions): DynamoDBClient {
  checkEndpoint();
  const { sockets, attemptMs } = options;
  const agent = { maxSockets: sockets };
  const config: DynamoDBClientConfig = {
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: attemptMs,
      requestTimeout: attemptMs,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
    },
  };
  return new DynamoDBClient(config);
}

/** A request of which nobody knows when the SDK is done with it: it hears no signal while it looks for credentials. */
export async function within<T>(
  limitMs: number,
  send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  signal?.throwIfAborted();
  const limit = new AbortController();
  const abortSignal = signal ? AbortSignal.any([signal, limit.signal]) : limit.signal;
  try {
    return await withTimeout(send({ abortSignal }), limitMs);
  } catch (error) {
    if (!(error instanceof TimeLimitError)) throw error;
    limit.abort();
    throw new StoreAwayError(`DynamoDB did not answer within ${limitMs} ms`, { cause: error });
  }
}
