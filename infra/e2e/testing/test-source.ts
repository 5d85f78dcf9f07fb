import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { encodePacket } from '../../../shared/protocol/packet.ts';

export const PAYLOAD_BYTES = 64;
/** Past any reorder window: an edge node that connects later settles at once. */
const FIRST_SEQUENCE = 100_000;
const PLAY_STEP_MS = 10;

/** A channel source of a test: packets in order, each with its own sequence as payload. */
export class TestSource {
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #next = new Map<string, number>();
  readonly #timers: NodeJS.Timeout[] = [];
  /** Connections so far. */
  accepted = 0;

  constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.accepted += 1;
      this.#clients.add(socket);
      socket.resume();
      socket.on('error', () => {});
      socket.on('close', () => this.#clients.delete(socket));
    });
  }

  async listen(): Promise<number> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next packets of a channel, to everybody who listens. */
  send(channel: string, packets: number): void {
    const first = this.#next.get(channel) ?? FIRST_SEQUENCE;
    this.#next.set(channel, first + packets);
    const bytes = Buffer.concat(
      Array.from({ length: packets }, (_, i) =>
        encodePacket(channel, BigInt(first + i), payloadOf(first + i)),
      ),
    );
    for (const socket of this.#clients) socket.write(bytes);
  }

  /** The sequence of a channel's newest packet. */
  newest(channel: string): number | undefined {
    const next = this.#next.get(channel);
    return next === undefined ? undefined : next - 1;
  }

  /** Sends on at this rate, whatever timers are late, until pause(). */
  play(channels: readonly string[], packetsPerSecond: number): void {
    const beganMs = performance.now();
    let sent = 0;
    const step = () => {
      const due = Math.floor(((performance.now() - beganMs) * packetsPerSecond) / 1000);
      if (due > sent) for (const channel of channels) this.send(channel, due - sent);
      sent = due;
    };
    this.#timers.push(setInterval(step, PLAY_STEP_MS));
  }

  pause(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  async close(): Promise<void> {
    this.pause();
    this.#server.close();
    for (const socket of this.#clients) socket.destroy();
    await once(this.#server, 'close');
  }
}

function payloadOf(sequence: number): Buffer {
  const payload = Buffer.alloc(PAYLOAD_BYTES);
  payload.writeBigUInt64BE(BigInt(sequence));
  return payload;
}

export function sequenceAt(stream: Buffer, at: number): number {
  return Number(stream.readBigUInt64BE(at));
}
