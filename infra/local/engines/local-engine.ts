import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineHost } from './engine-host.ts';

const START_TIMEOUT_MS = 300_000;
const POLL_MS = 200;
/** Cassandra writes all its settings in one line. */
const LONG_LINE = /^(.{300}).+$/gm;

/** A real engine on this machine, in the hands of a test, the demo, a bench or an operator. */
export class LocalEngine {
  /** On loopback; it stays the same over restarts. */
  readonly port: number;
  readonly #host: EngineHost;
  readonly #answers: () => Promise<boolean>;

  /** @param answers tells whether it serves requests */
  constructor(port: number, host: EngineHost, answers: () => Promise<boolean>) {
    this.port = port;
    this.#host = host;
    this.#answers = answers;
  }

  /** @throws Error with the last lines of its log when it ends or does not answer in five minutes */
  async start(): Promise<void> {
    await this.#host.begin();
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await this.#answers())) {
      const late = performance.now() > deadline;
      if (late || !(await this.#host.isAlive())) {
        const log = (await this.#host.log()).replaceAll(LONG_LINE, '$1…');
        await this.#host.end('SIGKILL');
        throw new Error(`the engine ${late ? 'does not answer' : 'ended while starting'}:\n${log}`);
      }
      await sleep(POLL_MS);
    }
  }

  /** As start, but leaves nothing behind where it fails. */
  async startOrRemove(): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** The process id to signal or to measure; undefined in a container and while it is down. */
  pid(): number | undefined {
    return this.#host.pid();
  }

  isAlive(): Promise<boolean> {
    return this.#host.isAlive();
  }

  /** Ends it orderly and leaves its data. */
  end(): Promise<void> {
    return this.#host.end('SIGTERM');
  }

  /** Ends it and removes its data. */
  async stop(): Promise<void> {
    await this.#host.end('SIGKILL');
    await this.#host.remove();
  }

  /** SIGKILL: what was not on disk yet is lost. */
  kill(): Promise<void> {
    return this.#host.end('SIGKILL');
  }

  /** Starts it again on the data that it left, and waits until it answers. */
  async restart(): Promise<void> {
    if (await this.isAlive()) await this.end();
    await this.start();
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): Promise<void> {
    return this.#host.pause();
  }

  resume(): Promise<void> {
    return this.#host.resume();
  }
}
