import { connect, type Socket } from 'node:net';

/** A connection to 9111 that does what a test says, and keeps all that it is sent. */
export class ScriptedUser {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  receivedBytes = 0;
  /** The other side has sent FIN. */
  isEnded = false;
  isClosed = false;
  errorCode: string | undefined;

  /**
   * @param line sent at once, if any; LF is added
   * @param socket instead of a connection to that port, such as one by TLS
   */
  constructor(port: number, line?: string, host = '127.0.0.1', socket?: Socket) {
    this.socket = socket ?? connect({ port, host, noDelay: true, allowHalfOpen: true });
    this.socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.receivedBytes += chunk.length;
    });
    this.socket.on('end', () => {
      this.isEnded = true;
    });
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.errorCode = error.code;
    });
    this.socket.on('close', () => {
      this.isClosed = true;
    });
    if (line !== undefined) this.send(`${line}\n`);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  endsWith(end: Buffer): boolean {
    let [first, length] = [this.#chunks.length, 0];
    while (first > 0 && length < end.length) {
      first -= 1;
      length += this.#chunks[first]?.length ?? 0;
    }
    return Buffer.concat(this.#chunks.slice(first)).subarray(-end.length).equals(end);
  }

  get text(): string {
    return this.bytes.toString('latin1');
  }

  /** The connection lives: neither side has ended it. */
  get isWatching(): boolean {
    return !this.isEnded && !this.isClosed && this.errorCode === undefined;
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }
}
