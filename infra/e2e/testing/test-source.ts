import { Feed } from '../../../edge-node/testing/feed.ts';
import { ScriptedSource } from '../../../edge-node/testing/scripted-source.ts';

export const PAYLOAD_BYTES = 64;
/** Past any reorder window: an edge node that connects later settles at once. */
const FIRST_SEQUENCE = 100_000n;
const PLAY_STEP_MS = 10;

/** Channels that go on by so many packets, or at a rate, whoever listens. */
export class TestSource {
  readonly #source = new ScriptedSource();
  readonly #feeds = new Map<string, Feed>();
  readonly #timers: NodeJS.Timeout[] = [];

  /** Resolves with the port. */
  async listen(): Promise<number> {
    await this.#source.listen();
    return this.#source.port;
  }

  /** Connections so far. */
  get accepted(): number {
    return this.#source.connections;
  }

  send(channel: string, packets: number): void {
    this.#source.send(this.#feed(channel).make(packets));
  }

  /** The sequence of a channel's newest packet. */
  newest(channel: string): number {
    return Number(this.#feed(channel).made.at(-1)?.sequence);
  }

  /** Sends on at this rate, whatever timers are late, until pause(). */
  play(channel: string, packetsPerSecond: number): void {
    const beganMs = performance.now();
    let sent = 0;
    const step = () => {
      const due = Math.floor(((performance.now() - beganMs) * packetsPerSecond) / 1000);
      if (due > sent) this.send(channel, due - sent);
      sent = due;
    };
    this.#timers.push(setInterval(step, PLAY_STEP_MS));
  }

  pause(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  async close(): Promise<void> {
    this.pause();
    await this.#source.close();
  }

  #feed(channel: string): Feed {
    let feed = this.#feeds.get(channel);
    if (feed === undefined) {
      feed = new Feed(channel, { first: FIRST_SEQUENCE, payloadBytes: PAYLOAD_BYTES });
      this.#feeds.set(channel, feed);
    }
    return feed;
  }
}

/** The sequence that a payload begins with. */
export function sequenceAt(stream: Buffer, at: number): number {
  return Number(stream.readBigUInt64BE(at));
}
