import { createWriteStream } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { DemoError } from '../demo-error.ts';
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

async function ask(url: string, init: RequestInit): Promise<Response> {
  const answer = await fetch(url, init).catch((error: TypeError) => {
    const { cause } = error;
    throw new DemoError(`${url}: ${cause instanceof Error ? cause.message : error.message}`);
  });
  if (!answer.ok) throw new DemoError(`${url} answered ${answer.status}: ${await answer.text()}`);
  return answer;
}

/** POST /register. */
export async function register(origin: string, userId: string): Promise<void> {
  await ask(`${origin}/register`, { method: 'POST', body: userId });
}

/** GET /usage: seconds of the last 24 hours, by channel. */
export async function usageOf(origin: string, userId: string): Promise<Record<string, number>> {
  const answer = await ask(`${origin}/usage/${encodeURIComponent(userId)}`, {});
  const { sessions } = (await answer.json()) as { sessions: Record<string, number> };
  return sessions;
}

/** One who watches a channel on 9111, keeps what comes and checks it. */
export class DemoUser {
  readonly options: DemoUserOptions;
  readonly check = new StreamCheck();
  #socket: Socket | undefined;
  #problem: string | undefined;

  constructor(options: DemoUserOptions) {
    this.options = options;
  }

  /** Why the service refused the user, or how the connection broke. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Resolves when the connection has ended and the file is whole. */
  async watch(): Promise<void> {
    const { userId, channelId, file, host, port } = this.options;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.write(`${userId} ${channelId}\n`);
    const out = createWriteStream(file);
    await pipeline(this.#socket, (chunks) => this.#checked(chunks), out).catch((error: Error) => {
      this.#problem = error.message;
    });
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
          this.#problem = line.trim();
          return;
        }
      }
      this.check.push(chunk);
      yield chunk;
    }
  }
}
