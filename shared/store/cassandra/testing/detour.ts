import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a node that can be cut or slowed down, and that counts who goes it. */
export class Detour {
  readonly sockets = new Set<Socket>();
  /** From an answer of the node until it is handed on. */
  delayMs = 0;
  readonly #port: number;
  readonly #server = createServer((near) => {
    const far = connect(this.#port, '127.0.0.1');
    this.sockets.add(near);
    near.on('close', () => this.sockets.delete(near) && far.destroy());
    far.on('close', () => near.destroy());
    for (const socket of [near, far]) socket.on('error', () => {});
    this.carry(near, far);
  });

  /** @param endpoint host:port of a node on this machine */
  constructor(endpoint: string) {
    this.#port = Number(endpoint.split(':')[1]);
  }

  /** Its own endpoint. */
  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  /** Hands on what either side sends. */
  protected carry(near: Socket, far: Socket): void {
    near.pipe(far);
    far.on('data', (bytes) => setTimeout(() => near.write(bytes), this.delayMs));
  }
}
