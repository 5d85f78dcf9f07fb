import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { PACKET_MS, PAYLOAD_BYTES } from '../../../demo/media/clip.ts';

const RETRY_MS = 200;
const ARRIVAL_MS = 60_000;
const POLL_MS = 100;

export interface Visit {
  readonly bytes: number;
  /** When the service closed the connection, monotonic; and whether by FIN. */
  readonly endedMs: number;
  readonly clean: boolean;
}

/** Someone who watches, and comes back whenever the service has closed the connection, until it is told to leave. */
export class Viewer {
  readonly userId: string;
  /** Connections over which something came. */
  readonly visits: Visit[] = [];
  readonly #port: () => number;
  #bytes = 0;
  #leaves = false;

  /** @param port where a balancer would send the next connection */
  constructor(userId: string, port: () => number) {
    this.userId = userId;
    this.#port = port;
  }

  /** Of the connection that is open now. */
  get isReceiving(): boolean {
    return this.#bytes > 0;
  }

  /** Whole seconds of all that came. */
  get seconds(): number {
    const bytes = this.visits.reduce((sum, visit) => sum + visit.bytes, 0);
    return Math.floor(((bytes / PAYLOAD_BYTES) * PACKET_MS) / 1000);
  }

  /** Does not come back after the connection that is open. */
  leaveAtNextClose(): void {
    this.#leaves = true;
  }

  async watch(channel: string): Promise<void> {
    for (;;) {
      const visit = await this.#visit(channel);
      if (visit.bytes > 0) this.visits.push(visit);
      if (this.#leaves) return;
      await sleep(RETRY_MS);
    }
  }

  async #visit(channel: string): Promise<Visit> {
    const socket = connect({ host: '127.0.0.1', port: this.#port() });
    let clean = false;
    let refused = false;
    this.#bytes = 0;
    socket.on('error', () => {});
    socket.on('end', () => {
      clean = true;
    });
    socket.on('data', (chunk) => {
      refused ||= this.#bytes === 0 && chunk.toString('latin1', 0, 4) === 'ERR ';
      if (!refused) this.#bytes += chunk.length;
    });
    socket.write(`${this.userId} ${channel}\n`);
    await new Promise((resolve) => socket.once('close', resolve));
    const bytes = this.#bytes;
    this.#bytes = 0;
    return { bytes, endedMs: performance.now(), clean };
  }
}

/** Resolves when something has come over the connection that each has open now. */
export async function allReceive(viewers: readonly Viewer[]): Promise<void> {
  const until = performance.now() + ARRIVAL_MS;
  for (;;) {
    const receiving = viewers.filter((viewer) => viewer.isReceiving).length;
    if (receiving === viewers.length) return;
    if (performance.now() > until) throw new Error(`only ${receiving} users receive anything`);
    await sleep(POLL_MS);
  }
}
