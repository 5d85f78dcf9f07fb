import { rm } from 'node:fs/promises';
import { execute, probe } from '../commands.ts';
import type { EngineHost } from './engine-host.ts';

export interface ContainerOptions {
  readonly name: string;
  readonly image: string;
  /** The engine's port inside, and where on loopback it is to be found. */
  readonly innerPort: number;
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  /** Holds what is mounted; removed with the container. */
  readonly folder: string;
  readonly mounts: Readonly<Record<string, string>>;
  readonly command: readonly string[];
}

/** `make drma` and its like remove what carries it. */
const LABEL = 'com.streaming-service.project=streaming-service';
const LOG_TAIL_LINES = '20';

/** An engine as a Docker container, known by its name. */
export class ContainerHost implements EngineHost {
  readonly #options: ContainerOptions;

  constructor(options: ContainerOptions) {
    this.#options = options;
  }

  async begin(): Promise<void> {
    const { name, image, innerPort, port, env, mounts, command } = this.#options;
    if (await this.#inspect('{{.Id}}')) {
      await execute('docker', 'start', name);
      return;
    }
    await execute(
      'docker',
      ...['run', '--detach', '--name', name, '--label', LABEL],
      ...['--publish', `127.0.0.1:${port}:${innerPort}`],
      ...Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
      ...Object.entries(mounts).flatMap(([from, to]) => ['--volume', `${from}:${to}`]),
      ...[image, ...command],
    );
  }

  pid(): undefined {
    return undefined;
  }

  async isAlive(): Promise<boolean> {
    return (await this.#inspect('{{.State.Running}}')) === 'true';
  }

  async log(): Promise<string> {
    const lines = await probe('docker', 'logs', '--tail', LOG_TAIL_LINES, this.#options.name);
    return lines?.trimEnd() ?? '';
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { name } = this.#options;
    if (!(await this.isAlive())) return;
    if ((await this.#inspect('{{.State.Paused}}')) === 'true') await this.resume();
    if (signal === 'SIGTERM') await execute('docker', 'stop', '--time', '60', name);
    else await execute('docker', 'kill', name);
  }

  async pause(): Promise<void> {
    await execute('docker', 'pause', this.#options.name);
  }

  async resume(): Promise<void> {
    await execute('docker', 'unpause', this.#options.name);
  }

  async remove(): Promise<void> {
    await probe('docker', 'rm', '--force', '--volumes', this.#options.name);
    await rm(this.#options.folder, { recursive: true, force: true });
  }

  async #inspect(format: string): Promise<string | undefined> {
    const said = await probe('docker', 'inspect', '--format', format, this.#options.name);
    return said?.trim();
  }
}
