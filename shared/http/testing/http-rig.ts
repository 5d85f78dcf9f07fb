import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import { expect, onTestFinished, vi } from 'vitest';
import { LogLimiter } from '../../logger.ts';
import type { Handler } from '../connection.ts';
import { HttpListener, type HttpPort } from '../http-listener.ts';

/** A listener that answers each request with its path, or as `handler` does, and what it logs. */
export async function listening({
  handler = (request: IncomingMessage, response: ServerResponse) => void response.end(request.url),
  maxConnections = 1_000,
  host = '127.0.0.1',
  setting = 'SERVER_PORT' as HttpPort,
  limiter,
}: {
  handler?: Handler;
  maxConnections?: number;
  host?: string;
  setting?: HttpPort;
  /** One that others log by, too. */
  limiter?: LogLimiter;
} = {}) {
  const logged: string[] = [];
  const logger = pino({}, { write: (line) => logged.push(JSON.parse(line).msg) });
  const listener = new HttpListener({
    setting,
    handler,
    room: maxConnections,
    limiter: limiter ?? new LogLimiter(logger),
  });
  const { port } = await listener.listen(host, 0);
  onTestFinished(() => listener.close());
  return { listener, port, logged };
}

/** A client that sends bytes as they are and keeps what comes back. */
export class Client {
  readonly socket: Socket;
  /** Resolves once the connection is gone, however it ended. */
  readonly closed: Promise<unknown>;
  received = '';

  constructor(port: number, host = '127.0.0.1') {
    this.socket = connect(port, host);
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text) => {
      this.received += text;
    });
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    onTestFinished(() => void this.socket.destroy());
  }

  send(...requests: string[]): this {
    this.socket.write(requests.join(''));
    return this;
  }

  get statuses(): number[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
  }
}

export const GET = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
export const until = (what: () => unknown) =>
  vi.waitFor(() => expect(what()).toBeTruthy(), { timeout: 10_000 });

/** Whether the machine has the client's address. */
export async function reachable({ socket, closed }: Client): Promise<boolean> {
  await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), closed]);
  return !socket.destroyed;
}
