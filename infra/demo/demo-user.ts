import { createWriteStream } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { StreamCheck } from './stream-check.ts';

const REFUSAL = /^ERR \w+ .*\n$/;
/** Longer than any refusal. */
const REFUSAL_MAX_BYTES = 512;

export interface DemoUserOptions {
  readonly userId: string;
  readonly channelId: string;
  readonly host: string;
  readonly port: number;
  /** Where the received bytes go. */
  readonly file: string;
}

/** POST /register. */
export async function register(origin: string, userId: string): Promise<void> {
  const answer = await fetch(`${origin}/register`, { method: 'POST', body: userId });
  if (!answer.ok) throw new Error(`${userId}: /register answered ${answer.status}`);
}

/** GET /usage: seconds of the last 24 hours, by channel. */
export async function usageOf(origin: string, userId: string): Promise<Record<string, number>> {
  const answer = await fetch(`${origin}/usage/${encodeURIComponent(userId)}`);
  if (!answer.ok) throw new Error(`${userId}: /usage answered ${answer.status}`);
  const { sessions } = (await answer.json()) as { sessions: Record<string, number> };
  return sessions;
}

/** One who watches a channel on 9111, keeps what comes and checks it. */
export class DemoUser {
  readonly options: DemoUserOptions;
  readonly check = new StreamCheck();
  #socket: Socket | undefined;
  #refusal: string | undefined;

  constructor(options: DemoUserOptions) {
    this.options = options;
  }

  /** The ERR line, where the user was refused. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Resolves when the service has closed the connection and the file is whole; rejects where the line breaks. */
  async watch(): Promise<void> {
    const { userId, channelId, file, host, port } = this.options;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.write(`${userId} ${channelId}\n`);
    await pipeline(this.#socket, (chunks) => this.#checked(chunks), createWriteStream(file));
  }

  /** Leaves at once. */
  leave(): void {
    this.#socket?.destroy();
  }

  async *#checked(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of chunks) {
      if (this.check.bytes === 0 && chunk.length <= REFUSAL_MAX_BYTES) {
        const line = chunk.toString('latin1');
        if (REFUSAL.test(line)) {
          this.#refusal = line.trim();
          return;
        }
      }
      this.check.push(chunk);
      yield chunk;
    }
  }
}
