import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A request as DynamoDB gets it. */
export interface Asked {
  readonly operation: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Counts the connections of the server from 1. */
  readonly connection: number;
}

type Answer = { readonly error: string } | Readonly<Record<string, unknown>> | 'nothing';

/** Speaks DynamoDB's protocol, and answers as a test says: an error by its name, a body, or nothing ever. */
export class FakeDynamoDb {
  readonly asked: Asked[] = [];
  /** What its clock says, where that is not what this machine's says. */
  epochMs: number | undefined;
  readonly #answer: (asked: Asked) => Answer;
  readonly #connections = new Map<unknown, number>();
  readonly #server = createServer((request, response) => this.#serve(request, response));

  constructor(answer: (asked: Asked) => Answer) {
    this.#answer = answer;
  }

  /** From now on this process's AWS_ENDPOINT_URL leads here. */
  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const { port } = this.#server.address() as AddressInfo;
    process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${port}`;
    return this;
  }

  count(operation: string): number {
    return this.asked.filter((asked) => asked.operation === operation).length;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    const connection = this.#connections.get(socket) ?? this.#connections.size + 1;
    this.#connections.set(socket, connection);
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const body = (await json(request)) as Record<string, unknown>;
    const asked = { operation, body, connection };
    this.asked.push(asked);
    const answer = this.#answer(asked);
    if (answer === 'nothing') return;
    if (this.epochMs !== undefined) {
      response.setHeader('date', new Date(this.epochMs).toUTCString());
    }
    const isError = typeof answer.error === 'string';
    response.writeHead(isError ? 400 : 200, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(
      JSON.stringify(
        isError
          ? { __type: `com.amazonaws.dynamodb.v20120810#${answer.error}`, message: 'as told' }
          : answer,
      ),
    );
  }
}
