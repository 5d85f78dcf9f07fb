import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { probe } from '../commands.ts';
import type { EngineHost } from './engine-host.ts';

export interface JvmOptions {
  /** Holds the engine's data, log and process id; named on its command line, by which it is known again. */
  readonly folder: string;
  readonly java: string;
  readonly args: readonly string[];
  /** Lives on when the process that started it has ended. */
  readonly detached: boolean;
}

const POLL_MS = 50;
const END_TIMEOUT_MS = 60_000;
const LOG_TAIL_LINES = 20;

/** An engine as a JVM on this machine. Who knows the folder can take it over: another process may have begun it. */
export class JvmHost implements EngineHost {
  readonly #options: JvmOptions;
  readonly #pidFile: string;
  readonly #logFile: string;

  constructor(options: JvmOptions) {
    this.#options = options;
    this.#pidFile = join(options.folder, 'pid');
    this.#logFile = join(options.folder, 'log');
  }

  async begin(): Promise<void> {
    const { folder, java, args, detached } = this.#options;
    await mkdir(folder, { recursive: true });
    const log = openSync(this.#logFile, 'a');
    const tag = `-Dengine.folder=${folder}`;
    const child = spawn(java, [tag, ...args], {
      cwd: folder,
      detached,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.unref();
    if (child.pid === undefined) throw new Error(`${java} cannot be started`);
    await writeFile(this.#pidFile, String(child.pid));
  }

  pid(): number | undefined {
    try {
      return Number(readFileSync(this.#pidFile, 'utf8'));
    } catch {
      return undefined;
    }
  }

  /** A process id may have gone to another process meanwhile: the command line tells, where ps is here. */
  async isAlive(): Promise<boolean> {
    const pid = this.pid();
    if (pid === undefined || !this.#signal(0)) return false;
    const commandLine = await probe('ps', '-ww', '-o', 'command=', '-p', String(pid));
    return commandLine?.includes(this.#options.folder) ?? true;
  }

  async log(): Promise<string> {
    const text = await readFile(this.#logFile, 'utf8').catch(() => '');
    return text.trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const deadline = performance.now() + END_TIMEOUT_MS;
    this.#signal(signal);
    // A paused process takes no SIGTERM before it goes on.
    this.#signal('SIGCONT');
    while (await this.isAlive()) {
      if (performance.now() > deadline) this.#signal('SIGKILL');
      await sleep(POLL_MS);
    }
    await rm(this.#pidFile, { force: true });
  }

  /** On a busy machine the process goes on for a while after the signal: this returns when it stands still. */
  async pause(): Promise<void> {
    this.#signal('SIGSTOP');
    while ((await this.#state())?.startsWith('T') === false) await sleep(POLL_MS);
  }

  async resume(): Promise<void> {
    this.#signal('SIGCONT');
  }

  async remove(): Promise<void> {
    await rm(this.#options.folder, { recursive: true, force: true });
  }

  /** As ps has it; undefined where ps is not here, or no process. */
  async #state(): Promise<string | undefined> {
    return probe('ps', '-o', 'stat=', '-p', String(this.pid() ?? ''));
  }

  /** @returns whether there was a process to take it */
  #signal(signal: NodeJS.Signals | 0): boolean {
    const pid = this.pid();
    if (pid === undefined) return false;
    try {
      return process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
      throw error;
    }
  }
}
