import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { FEED_CLIENT_MAX_BYTES, FEED_CLOSE_MS, FEED_KEEPALIVE_MS } from '../../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../../shared/logger.ts';

interface FeedParts {
  readonly logger: Logger;
  readonly limiter: LogLimiter;
}

/**
 * Port 9110: sends all packets to every edge node that is connected, from its connection on. What comes in one turn of
 * the event loop goes out in one write, of one buffer that all edge nodes share. One that lets too much wait is dropped,
 * told and counted: it connects again and goes on, and nobody else waits for it.
 */
export class FeedServer {
  readonly #parts: FeedParts;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  #turn: Buffer[] = [];
  #flush: NodeJS.Immediate | undefined;
  accepted = 0;
  droppedClients = 0;
  packets = 0;
  bytes = 0;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.#server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: FEED_KEEPALIVE_MS },
      (socket) => this.#accept(socket),
    );
  }

  get isListening(): boolean {
    return this.#server.listening;
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Bytes that each edge node has let wait. */
  get waiting(): readonly { readonly peer: string; readonly bytes: number }[] {
    return [...this.#clients].map((socket) => ({
      peer: peerOf(socket),
      bytes: socket.writableLength,
    }));
  }

  /** @throws the listener's error, such as EADDRINUSE */
  async listen(host: string, port: number): Promise<AddressInfo> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    const at = this.#server.address() as AddressInfo;
    this.#server.on('error', (err) =>
      this.#parts.limiter.error('accepting a connection failed', { err, port: at.port }),
    );
    return at;
  }

  /** Takes `count` whole packets, which it owns from now on. */
  send(packets: Buffer, count: number): void {
    this.packets += count;
    this.bytes += packets.length;
    if (this.#clients.size === 0) return;
    this.#turn.push(packets);
    this.#flush ??= setImmediate(() => this.#sendTurn());
  }

  /** Sends the rest, and closes. */
  async close(): Promise<void> {
    this.#sendTurn();
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#clients) socket.end();
    const timer = setTimeout(() => {
      for (const socket of this.#clients) socket.destroy();
    }, FEED_CLOSE_MS);
    await closed;
    clearTimeout(timer);
  }

  #accept(socket: Socket): void {
    const peer = peerOf(socket);
    this.accepted += 1;
    this.#clients.add(socket);
    this.#parts.logger.info({ peer }, 'edge node connected');
    socket.resume(); // what it sends is dropped: the protocol has nothing for it to say
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (this.#clients.delete(socket)) this.#parts.logger.info({ peer }, 'edge node disconnected');
    });
  }

  #sendTurn(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    const [first, ...more] = this.#turn;
    this.#turn = [];
    if (first === undefined) return;
    const bytes = more.length === 0 ? first : Buffer.concat([first, ...more]);
    for (const socket of this.#clients) {
      if (socket.writableLength > FEED_CLIENT_MAX_BYTES) this.#drop(socket);
      else socket.write(bytes);
    }
  }

  #drop(socket: Socket): void {
    this.droppedClients += 1;
    this.#clients.delete(socket);
    const peer = peerOf(socket);
    const fields = { peer, waitingBytes: socket.writableLength };
    this.#parts.limiter.warn('edge node dropped: it is too slow', fields, peer);
    socket.destroy();
  }
}

const peerOf = (socket: Socket): string => `${socket.remoteAddress}:${socket.remotePort}`;
