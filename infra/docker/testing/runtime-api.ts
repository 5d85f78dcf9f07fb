import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a runtime client told Lambda: that it wants work, an answer, or that something failed. */
export interface Told {
  /** The last part of its path: next, response or error. */
  readonly what: string;
  readonly body: string;
}

/** Lambda's side of a function: hands out events one by one, as they are given here, and keeps what it is told. */
export class RuntimeApi {
  readonly #server: Server = createServer((request, response) => this.#hear(request, response));
  readonly #told: Told[] = [];
  #asking: ServerResponse | undefined;
  #heard = Promise.withResolvers<void>();
  #invocations = 0;

  /** @returns the value of AWS_LAMBDA_RUNTIME_API */
  async listen(): Promise<string> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next thing that the function tells. */
  async told(): Promise<Told> {
    while (this.#told.length === 0) await this.#heard.promise;
    return this.#told.shift() as Told;
  }

  /** Hands out an event, with the headers that Lambda sends; the function must have asked for work. */
  invoke(event: unknown): void {
    this.#invocations += 1;
    this.#asking
      ?.setHeader('Content-Type', 'application/json')
      .setHeader('Lambda-Runtime-Aws-Request-Id', `invocation-${this.#invocations}`)
      .setHeader('Lambda-Runtime-Deadline-Ms', '4102444800000')
      .setHeader('Lambda-Runtime-Invoked-Function-Arn', 'arn:aws:lambda:eu-west-1:0:function:test')
      .setHeader('Lambda-Runtime-Trace-Id', 'Root=1-00000000-000000000000000000000000')
      .end(JSON.stringify(event));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const what = request.url?.split('/').at(-1) ?? '';
    const body = await text(request);
    if (what === 'next') this.#asking = response;
    else response.writeHead(202).end();
    this.#told.push({ what, body });
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }
}
