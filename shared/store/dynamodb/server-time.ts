import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { monotonicMs, wallClockMs } from '../../clock.ts';

interface Answered {
  readonly headers?: Readonly<Record<string, string>>;
}

/** DynamoDB's own clock, by the Date of its latest answer to a client; this machine's until there was one. */
export class ServerTime {
  /** From the monotonic clock to DynamoDB's. */
  #offsetMs: number | undefined;

  constructor(client: DynamoDBClient) {
    client.middlewareStack.add(
      (next) => async (request) => {
        const result = await next(request);
        const sentMs = Date.parse((result.response as Answered).headers?.date ?? '');
        if (!Number.isNaN(sentMs)) this.#offsetMs = sentMs - monotonicMs();
        return result;
      },
      { step: 'deserialize', name: 'serverTime' },
    );
  }

  /** Milliseconds since the Unix epoch, to a second or two. */
  epochMs(): number {
    return this.#offsetMs === undefined ? wallClockMs() : monotonicMs() + this.#offsetMs;
  }
}
