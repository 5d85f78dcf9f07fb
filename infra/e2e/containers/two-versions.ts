import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { killServices, Service } from '../../demo/services/service.ts';
import { cleanEnvironment } from '../../local/environment.ts';
import { freePorts } from '../../local/free-ports.ts';

const EDGE_NODES = 2;
const DRAIN_MS = 4_000;
/** As long as a balancer goes on sending newcomers, and a preStop waits, here in short. */
const BALANCER_MS = 1_000;

type Version = 'old' | 'new';

/** The service in one version, with every edge node that it has. */
interface Running {
  readonly functions: Service;
  readonly origin: string;
  readonly edgeNodes: readonly Service[];
  readonly usersPorts: readonly number[];
}

/**
 * The service on this machine in either of two versions, which share store and spools; and what a balancer knows: where
 * newcomers go.
 */
export class TwoVersions {
  readonly #scratch: string;
  readonly #roots: Readonly<Record<Version, string>>;
  readonly #env: NodeJS.ProcessEnv;
  #current: Running;
  #turn = 0;

  private constructor(
    scratch: string,
    roots: Readonly<Record<Version, string>>,
    env: NodeJS.ProcessEnv,
    current: Running,
  ) {
    this.#scratch = scratch;
    this.#roots = roots;
    this.#env = env;
    this.#current = current;
  }

  /** Starts a channel source, and the old version. */
  static async start(
    scratch: string,
    roots: Readonly<Record<Version, string>>,
  ): Promise<TwoVersions> {
    const [source = 0] = await freePorts(1);
    const env = {
      ...cleanEnvironment(process.env),
      STORE: 'sqlite',
      SQLITE_PATH: join(scratch, 'service.db'),
      USAGE_SPOOL_DIR: join(scratch, 'spool'),
      CHANNEL_SOURCE_HOST: '127.0.0.1',
      CHANNEL_SOURCE_PORT: String(source),
      DRAIN_MS: String(DRAIN_MS),
    };
    new Service({
      name: 'channel-source',
      script: 'infra/demo/source/channel-source.ts',
      args: ['--port', String(source), '--channels', 'zato01', '--shuffle', '16'],
      env,
      logFile: join(scratch, 'channel-source.log'),
    });
    return new TwoVersions(scratch, roots, env, await run(roots.old, env, scratch));
  }

  get origin(): string {
    return this.#current.origin;
  }

  /** Newcomers go to the edge nodes of one version in turn. */
  nextUsersPort(): number {
    const { usersPorts } = this.#current;
    this.#turn += 1;
    return usersPorts[this.#turn % usersPorts.length] ?? Number.NaN;
  }

  /** docs/upgrade.md: the whole next version beside this one, then newcomers to it alone, then this one stops. */
  async moveTo(version: Version): Promise<void> {
    const before = this.#current;
    this.#current = await run(this.#roots[version], this.#env, this.#scratch);
    await sleep(BALANCER_MS);
    await before.functions.stop();
    await Promise.all(before.edgeNodes.map((node) => node.stop()));
  }

  async stopEdgeNodes(): Promise<void> {
    await Promise.all(this.#current.edgeNodes.map((node) => node.stop()));
  }

  kill(): void {
    killServices();
  }
}

async function run(root: string, env: NodeJS.ProcessEnv, scratch: string): Promise<Running> {
  const [http = 0, ...ports] = await freePorts(1 + 2 * EDGE_NODES);
  const origin = `http://127.0.0.1:${http}`;
  const start = (name: string, script: string, settings: NodeJS.ProcessEnv) =>
    new Service({
      name,
      script,
      root,
      env: { ...env, ...settings },
      logFile: join(scratch, `${name}-${http}.log`),
    });
  const functions = start('functions', 'functions/server.ts', { SERVER_PORT: String(http) });
  const usersPorts = ports.slice(0, EDGE_NODES);
  const adminPorts = ports.slice(EDGE_NODES);
  const edgeNodes = usersPorts.map((port, i) =>
    start(`edge-node-${i}`, 'edge-node/main.ts', {
      STREAM_PORT: String(port),
      WATCH_PORT: '0',
      ADMIN_PORT: String(adminPorts[i]),
    }),
  );
  await functions.ready(`${origin}/readyz`);
  await Promise.all(
    edgeNodes.map((node, i) => node.ready(`http://127.0.0.1:${adminPorts[i]}/readyz`)),
  );
  return { functions, origin, edgeNodes, usersPorts };
}
