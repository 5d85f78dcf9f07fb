import type { ServerResponse } from 'node:http';
import { asError } from '../../../shared/errors.ts';
import { OPERATOR_STREAMS_MAX, OPERATOR_TICK_MS } from '../../../shared/limits.ts';
import type { LogLimiter } from '../../../shared/logger.ts';
import type { InTurn } from '../../transports/http/in-turn.ts';
import type { LiveQuery } from './live-query.ts';
import type { Operators } from './operators.ts';

interface LiveParts {
  readonly operators: Operators;
  /** Does what takes long one after another. */
  readonly heavy: InTurn;
  readonly limiter: LogLimiter;
}

interface Stream {
  readonly response: ServerResponse;
  readonly query: LiveQuery;
  isBusy: boolean;
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
};

/**
 * `GET /events`: server-sent events for operators who look on, each of whom sees a page of the channels and one of the
 * users. An operator who does not read is sent nothing more until it does.
 */
export class LiveStreams {
  readonly #parts: LiveParts;
  /** The one that has looked on for longest first. */
  readonly #streams = new Set<Stream>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LiveParts) {
    this.#parts = parts;
  }

  /** Ends all streams. */
  stop(): void {
    for (const stream of this.#streams) this.#end(stream);
  }

  /** Answers a request with events, until the connection ends. The response is ours from now on. */
  open(response: ServerResponse, query: LiveQuery): void {
    const [first] = this.#streams;
    if (this.#streams.size >= OPERATOR_STREAMS_MAX && first !== undefined) this.#end(first);
    const stream = { response, query, isBusy: false };
    this.#streams.add(stream);
    response.once('close', () => this.#forget(stream));
    response.writeHead(200, HEADERS);
    this.#timer ??= setInterval(() => {
      for (const each of this.#streams) void this.#send(each, 'snapshot');
    }, OPERATOR_TICK_MS);
    void this.#begin(stream);
  }

  async #begin(stream: Stream): Promise<void> {
    await this.#send(stream, 'history');
    await this.#send(stream, 'snapshot');
  }

  async #send(stream: Stream, event: 'history' | 'snapshot'): Promise<void> {
    const { response, query } = stream;
    if (stream.isBusy || response.writableNeedDrain) return;
    const { operators, heavy, limiter } = this.#parts;
    stream.isBusy = true;
    try {
      const told = await heavy.run((): Promise<object> => {
        return event === 'history' ? operators.history() : operators.snapshot(query);
      });
      if (!this.#streams.has(stream)) return;
      response.write(`event: ${event}\ndata: ${JSON.stringify(told)}\n\n`);
    } catch (thrown) {
      limiter.warn('operators cannot be told how the node is', { err: asError(thrown) });
    } finally {
      stream.isBusy = false;
    }
  }

  #end(stream: Stream): void {
    this.#forget(stream);
    stream.response.end();
  }

  #forget(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
