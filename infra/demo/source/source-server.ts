import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A client that lets more than this wait is dropped. */
const CLIENT_MAX_BYTES = 8 * 1024 ** 2;
const CLIENT_PATIENCE_MS = 5_000;

/** Sends the same bytes to whoever is connected to 9110, from their connection on. */
export class SourceServer {
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #note: (line: string) => void;

  constructor(note: (line: string) => void) {
    this.#note = note;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Resolves with the port. */
  async listen(port: number, host: string): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves when somebody listens. */
  async firstClient(signal: AbortSignal): Promise<void> {
    if (this.#clients.size === 0) await once(this.#server, 'connection', { signal });
  }

  send(packets: readonly Buffer[]): void {
    if (packets.length === 0) return;
    const bytes = Buffer.concat(packets);
    for (const socket of this.#clients) {
      if (socket.writableLength > CLIENT_MAX_BYTES) this.#drop(socket);
      else socket.write(bytes);
    }
  }

  /** Sends the rest to everybody, then closes. */
  async close(): Promise<void> {
    this.#server.close();
    const timer = setTimeout(() => {
      for (const socket of this.#clients) this.#drop(socket);
    }, CLIENT_PATIENCE_MS);
    for (const socket of this.#clients) socket.end();
    await once(this.#server, 'close');
    clearTimeout(timer);
  }

  #accept(socket: Socket): void {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#clients.add(socket);
    this.#note(`client ${peer} connected`);
    socket.resume(); // a client has nothing to say
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#clients.delete(socket);
      this.#note(`client ${peer} gone`);
    });
  }

  #drop(socket: Socket): void {
    const waiting = socket.writableLength;
    this.#note(
      `client ${socket.remoteAddress}:${socket.remotePort} is too slow: dropped with ${waiting} bytes waiting`,
    );
    this.#clients.delete(socket);
    socket.destroy();
  }
}
