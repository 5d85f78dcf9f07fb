import { connect, type Socket } from 'node:net';
import { PAYLOAD_BYTES, sequenceAt } from './test-source.ts';

/** A user of a TestSource's channel who reads all that comes, and checks that it comes in order and once. */
export class TestUser {
  readonly id: string;
  readonly channel: string;
  /** When each packet came, monotonic milliseconds. */
  readonly arrivalsMs: number[] = [];
  /** The ERR line of a user who was refused. */
  refusal = '';
  /** Packets that did not follow the one before them. */
  breaks = 0;
  /** Of these, those before which packets are missing: when, and how many. */
  readonly gaps: { readonly atMs: number; readonly packets: number }[] = [];
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  lastSequence: number | undefined;

  constructor(id: string, channel: string, port: number) {
    this.id = id;
    this.channel = channel;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('error', () => {});
    this.#socket.write(`${id} ${channel}\n`);
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.closed = new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  get packets(): number {
    return this.arrivalsMs.length;
  }

  /** Breaks the connection off. */
  async leave(): Promise<void> {
    this.#socket.resetAndDestroy();
    await this.closed;
  }

  #read(chunk: Buffer): void {
    if (this.packets === 0 && (this.refusal !== '' || chunk.toString('latin1', 0, 4) === 'ERR ')) {
      this.refusal += chunk.toString();
      return;
    }
    const nowMs = performance.now();
    const stream = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    for (; at + PAYLOAD_BYTES <= stream.length; at += PAYLOAD_BYTES) {
      const sequence = sequenceAt(stream, at);
      const missing = sequence - (this.lastSequence ?? sequence - 1) - 1;
      if (missing !== 0) this.breaks += 1;
      if (missing > 0) this.gaps.push({ atMs: nowMs, packets: missing });
      this.lastSequence = sequence;
      this.arrivalsMs.push(nowMs);
    }
    this.#rest = Buffer.from(stream.subarray(at));
  }
}
