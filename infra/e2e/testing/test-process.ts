import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { cleanEnvironment } from '../../local/environment.ts';

const ROOT = `${import.meta.dirname}/../../..`;
const TETHER = `${ROOT}/infra/demo/services/tether.ts`;
const SHIFTED_CLOCK = `${import.meta.dirname}/shifted-clock.ts`;

interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A service as its users run it: a process of its own, which ends with the test at the latest. */
export class TestProcess {
  readonly log: LogLine[] = [];
  /** The line in which it says that it is ready. */
  readonly ready: Promise<LogLine>;
  /** Exit code, or the signal that ended it, once all that it logged is here. */
  readonly exited: Promise<number | NodeJS.Signals>;
  readonly #child: ChildProcess;

  /** @param openFiles its limit of open files, where the test is about that */
  constructor(script: string, settings: Readonly<Record<string, string>>, openFiles?: number) {
    const limit = openFiles === undefined ? '' : `ulimit -n ${openFiles} && `;
    const imports = ['--import', TETHER, '--import', SHIFTED_CLOCK];
    this.#child = spawn(
      'sh',
      ['-c', `${limit}exec "$@"`, 'sh', process.execPath, ...imports, `${ROOT}/${script}`],
      {
        env: { ...cleanEnvironment(process.env), ...settings },
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    this.exited = once(this.#child, 'close').then(([code, signal]) => code ?? signal);
    this.#child.once('exit', () => this.#child.stdout?.resume());
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
    this.ready = promise;
    this.ready.catch(() => {});
    if (this.#child.stdout) {
      createInterface(this.#child.stdout).on('line', (text) => {
        const line = this.#parse(text);
        if (line === undefined) return;
        this.log.push(line);
        if (line.msg.startsWith('ready ')) resolve(line);
      });
    }
    this.exited.then((end) => reject(new Error(`${script} ended with ${end} before it was ready`)));
  }

  /** From now on nobody reads what it logs: the pipe between fills. */
  stopReadingLog(): void {
    this.#child.stdout?.pause();
  }

  /** Sends a signal and waits for nothing. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits for the end that it brings. */
  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    this.#child.kill(signal);
    return this.exited;
  }

  /** @returns nothing of the half line that a killed process leaves */
  #parse(text: string): LogLine | undefined {
    try {
      return JSON.parse(text) as LogLine;
    } catch (error) {
      if (this.#child.killed) return undefined;
      throw error;
    }
  }
}
