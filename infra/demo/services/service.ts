import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { DemoError } from '../demo-error.ts';

const ROOT = `${import.meta.dirname}/../../..`;
const READY_MS = 60_000;
const STOP_MS = 15_000;
const POLL_MS = 50;

const running = new Set<Service>();

/** Ends every service at once: for the demo's own end, whatever brought it. */
export function killServices(): void {
  for (const service of running) service.kill();
}

export interface ServiceOptions {
  readonly name: string;
  /** Relative to `root`. */
  readonly script: string;
  /** Where the repo is; this one unless another version's is meant. */
  readonly root?: string;
  readonly args?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** File for stderr and, unless it is collected, stdout; without it they are the demo's own. */
  readonly logFile: string | undefined;
  readonly collectOutput?: boolean;
}

/** A process of the demo. It ends with the demo, even where that is killed. */
export class Service {
  readonly #options: ServiceOptions;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  /** What it wrote to stdout, once it has ended; empty unless collected. */
  readonly output: Promise<string>;

  constructor(options: ServiceOptions) {
    this.#options = options;
    const { script, root = ROOT, args = [], env, logFile, collectOutput } = options;
    const log = logFile === undefined ? 'inherit' : openSync(logFile, 'w');
    this.#child = spawn(
      process.execPath,
      [
        '--disable-sigusr1',
        '--import',
        `${import.meta.dirname}/tether.ts`,
        `${root}/${script}`,
        ...args,
      ],
      // Its own process group: Ctrl-C in the terminal is for the demo, which ends the rest.
      { env, stdio: ['pipe', collectOutput ? 'pipe' : log, log], detached: true },
    );
    if (typeof log === 'number') closeSync(log);
    this.#exited = once(this.#child, 'exit');
    running.add(this);
    this.#child.once('exit', () => running.delete(this));
    this.output = this.#child.stdout ? text(this.#child.stdout) : Promise.resolve('');
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when `url` answers 200. */
  async ready(url: string): Promise<void> {
    const until = performance.now() + READY_MS;
    while (performance.now() < until) {
      if (!this.isRunning)
        throw new DemoError(`${this.#options.name} ended at its start`, this.#log);
      const answer = await fetch(url).catch(() => undefined);
      if (answer?.ok) return;
      await sleep(POLL_MS);
    }
    throw new DemoError(`${this.#options.name} is not ready after ${READY_MS / 1000} s`, this.#log);
  }

  /** SIGTERM, and resolves when it has ended well. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.finished();
  }

  /** Resolves when it has ended well. */
  async finished(): Promise<void> {
    const late = sleep(STOP_MS, 'late', { ref: false });
    const ended = await Promise.race([this.#exited, late]);
    if (ended === 'late') {
      throw new DemoError(
        `${this.#options.name} did not stop within ${STOP_MS / 1000} s`,
        this.#log,
      );
    }
    const { exitCode, signalCode } = this.#child;
    if (exitCode === 0) return;
    const how = signalCode === null ? `with code ${exitCode}` : `by ${signalCode}`;
    throw new DemoError(`${this.#options.name} ended ${how}`, this.#log);
  }

  /** Ends it at once. */
  kill(): void {
    if (this.isRunning) this.#child.kill('SIGKILL');
  }

  get #log(): string | undefined {
    return this.#options.logFile;
  }
}
