import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const STOP_MS = 10_000;

/** A bench that ends early, by a signal or an error, leaves nothing running. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class BenchError extends Error {
  override readonly name = 'BenchError';
}

/** Runs a bench to its end: a BenchError is its one line, a signal ends it, and nothing is left running. */
export async function runBench(main: () => Promise<void>): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => process.exit(130));
  }
  try {
    await main();
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/** A new folder that goes when the bench ends, however it ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'streaming-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Rejects with a BenchError when `promise` takes longer. */
async function within<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new BenchError(`no ${what} in ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** The file that takes stdout and stderr; without it stdout is read by `line`, and stderr is the bench's own. */
  readonly logFile?: string;
}

/** A process that the bench owns: spoken to by lines, ended by its pid. */
export class Child {
  readonly pid: number;
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string> | undefined;
  readonly #exited: Promise<unknown>;

  constructor(command: string, args: readonly (string | number)[], options: ChildOptions = {}) {
    const { env, logFile } = options;
    this.#name = command.split('/').at(-1) ?? command;
    const log = logFile === undefined ? undefined : openSync(logFile, 'w');
    this.#process = spawn(command, args.map(String), {
      stdio: ['pipe', log ?? 'pipe', log ?? 'inherit'],
      ...(env && { env }),
    });
    if (log !== undefined) closeSync(log);
    this.#exited = once(this.#process, 'exit');
    this.#exited.catch(() => {});
    this.#process.stdin?.on('error', () => {});
    const { stdout, pid } = this.#process;
    if (pid === undefined) throw new BenchError(`${command} does not start`);
    this.pid = pid;
    running.add(this.#process);
    this.#process.once('exit', () => running.delete(this.#process));
    this.#lines = stdout ? createInterface(stdout)[Symbol.asyncIterator]() : undefined;
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** The next line of stdout. */
  async line(timeoutMs: number): Promise<string> {
    if (this.#lines === undefined) throw new BenchError(`${this.#name} writes to a log`);
    const { done, value } = await within(this.#lines.next(), timeoutMs, `line from ${this.#name}`);
    if (done) throw new BenchError(`${this.#name} ended early`);
    return value;
  }

  tell(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** SIGTERM, then SIGKILL if that does not end it in time. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.#process.kill('SIGTERM');
    try {
      await within(this.#exited, STOP_MS, `end of ${this.#name}`);
    } catch (error) {
      this.#process.kill('SIGKILL');
      throw error;
    }
  }
}

/** Has a process end with the work that it was started for. */
export type Own = (child: Child) => Child;

/** Does `work`, and ends all that it owns by then, the last first. */
export async function withChildren<T>(work: (own: Own) => Promise<T>): Promise<T> {
  const children: Child[] = [];
  try {
    return await work((child) => {
      children.push(child);
      return child;
    });
  } finally {
    for (const child of children.reverse()) await child.stop();
  }
}
