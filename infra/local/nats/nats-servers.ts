import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../free-ports.ts';

const POLL_MS = 20;
const READY_MS = 20_000;

interface NatsPorts {
  readonly clients: number;
  readonly routes: number;
  readonly monitoring: number;
}

interface NatsOptions {
  /** Lines of its configuration besides. */
  readonly configuration?: readonly string[];
  /** As nats-server has it: `2MB`. */
  readonly maxPayload?: string;
}

/** A real NATS server of this machine, at ports that it keeps when it is started again. */
export class NatsServer {
  readonly #program: string;
  readonly #file: string;
  readonly #ports: NatsPorts;
  #child: ChildProcess | undefined;
  readonly #onExit = () => void this.#child?.kill('SIGKILL');

  constructor(program: string, file: string, ports: NatsPorts) {
    this.#program = program;
    this.#file = file;
    this.#ports = ports;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#ports.clients}`;
  }

  /** Of its process, while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Returns once it takes clients. */
  async start(): Promise<void> {
    const child = spawn(this.#program, ['-c', this.#file], { stdio: 'ignore' });
    this.#child = child;
    child.on('exit', () => {
      process.off('exit', this.#onExit);
      if (this.#child === child) this.#child = undefined;
    });
    process.on('exit', this.#onExit);
    const untilMs = performance.now() + READY_MS;
    while (!(await this.#answers())) {
      if (this.#child !== child || performance.now() > untilMs) {
        throw new Error(`${this.#program} -c ${this.#file} does not answer`);
      }
      await sleep(POLL_MS);
    }
  }

  /** Ends it and returns when it is gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    await gone;
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** What its monitoring port tells, such as `/connz`. */
  async ask<T>(path: string): Promise<T> {
    const answer = await fetch(`http://127.0.0.1:${this.#ports.monitoring}${path}`);
    return (await answer.json()) as T;
  }

  #answers(): Promise<boolean> {
    return this.ask('/healthz').then(
      () => true,
      () => false,
    );
  }
}

/** NATS servers that know each other: one alone, or a cluster. */
export class NatsServers {
  readonly servers: readonly NatsServer[];
  readonly #folder: string;

  private constructor(servers: readonly NatsServer[], folder: string) {
    this.servers = servers;
    this.#folder = folder;
  }

  static async start(program: string, count = 1, options: NatsOptions = {}): Promise<NatsServers> {
    const { configuration = [], maxPayload = '2MB' } = options;
    const folder = await mkdtemp(join(tmpdir(), 'nats-'));
    const ports = await freePorts(3 * count);
    const routes = ports.slice(count, 2 * count).map((port) => `nats://127.0.0.1:${port}`);
    const servers: NatsServer[] = [];
    for (let i = 0; i < count; i += 1) {
      const [clients = 0, route = 0, monitoring = 0] = [0, 1, 2].map((n) => ports[n * count + i]);
      const file = join(folder, `${i}.conf`);
      const cluster = `cluster { name: local, listen: "127.0.0.1:${route}", routes: [${routes}] }`;
      await writeFile(
        file,
        [
          `server_name: n${i}`,
          `listen: "127.0.0.1:${clients}"`,
          `http: "127.0.0.1:${monitoring}"`,
          `max_payload: ${maxPayload}`,
          ...(count > 1 ? [cluster] : []),
          ...configuration,
        ].join('\n'),
      );
      servers.push(new NatsServer(program, file, { clients, routes: route, monitoring }));
    }
    await Promise.all(servers.map((server) => server.start()));
    return new NatsServers(servers, folder);
  }

  /** NATS_URL. */
  get urls(): string {
    return this.servers.map(({ url }) => url).join();
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.end()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}
