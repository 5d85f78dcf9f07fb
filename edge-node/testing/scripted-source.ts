import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { freePorts } from '../../infra/local/free-ports.ts';
import { type FeedPacket, wireOf } from './feed.ts';

/** A channel source that does what a test says, and nothing else: it sends, breaks off, goes away and comes back. */
export class ScriptedSource {
  #server: Server | undefined;
  #clients = new Set<Socket>();
  port = 0;
  /** Connections so far. */
  connections = 0;

  /** Listens, from the second time on at the same port, which nobody is given while it is away. */
  async listen(): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => {
      this.connections += 1;
      this.#clients.add(socket);
      socket.resume();
      socket.on('error', () => {});
      socket.on('close', () => this.#clients.delete(socket));
    });
    if (this.port === 0) [this.port = 0] = await freePorts(1);
    await once(server.listen(this.port, '127.0.0.1'), 'listening');
    this.#server = server;
  }

  get isConnected(): boolean {
    return this.#clients.size > 0;
  }

  send(packets: readonly FeedPacket[]): void {
    this.write(wireOf(packets));
  }

  write(bytes: Buffer): void {
    for (const socket of this.#clients) socket.write(bytes);
  }

  /** Sends the rest and breaks the connection off; whoever connects is taken again. */
  async drop(): Promise<void> {
    const clients = [...this.#clients];
    this.#clients = new Set();
    for (const socket of clients) socket.destroySoon();
    await Promise.all(clients.map((socket) => socket.closed || once(socket, 'close')));
  }

  /** Is gone: connections break off and are refused. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    await this.drop();
    await closed;
  }
}
