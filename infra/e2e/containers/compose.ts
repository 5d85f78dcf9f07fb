import { setTimeout as sleep } from 'node:timers/promises';
import { register, usageOf } from '../../demo/viewer/demo-user.ts';
import { freePorts } from '../../local/free-ports.ts';
import { rollingRestart } from './rolling-restart.ts';
import { command, docker, lacksDocker, works } from './support/command.ts';
import { inspect, isConfined } from './support/container.ts';
import { keepsContract } from './support/contract.ts';
import { withFreshCopy } from './support/fresh-copy.ts';
import type { Section, Step } from './support/section.ts';
import { allReceive, Viewer } from './support/viewer.ts';

const PROJECT = 'streaming-service-test';
const WATCH_MS = 3_000;

/** The whole service by `docker compose up`, from a copy of the repository as a clone has it. */
export const compose: Section = {
  title: 'Compose: docker compose up',
  async lacks() {
    if (!(await works('docker', 'compose', 'version'))) return '`docker compose` does not run';
    return lacksDocker();
  },
  async run(step) {
    await withFreshCopy(async (folder) => {
      const stack = await Stack.in(folder);
      try {
        await withCassandra(stack, step);
      } finally {
        await stack.down();
      }
      await step('docker compose down', () => stack.leftNothing());
      try {
        await withDynamoDb(stack, step);
      } finally {
        await stack.down();
      }
    });
  },
};

async function withCassandra(stack: Stack, step: Step): Promise<void> {
  await step('docker compose up, from a fresh copy', async () => {
    await stack.compose('up', '--detach', '--wait', 'functions', 'edge-node');
    return 'Cassandra, functions and edge-node are healthy, the schema job has ended well';
  });
  await step('functions and edge-node', async () => {
    const seen = await Promise.all(['functions', 'edge-node'].map((name) => stack.confined(name)));
    return seen.join('; ');
  });
  await step('HTTP from the host', () => keepsContract(stack.origin));
  await step('a channel source and a user on the host', async () => {
    await stack.compose('--profile', 'demo', 'up', '--detach', 'channel-source');
    return watchesAndCounts(stack);
  });
  await step('restart of edge-node under 200 users', () =>
    rollingRestart({
      origin: stack.origin,
      usersPort: stack.usersPort,
      restart: () => stack.compose('restart', 'edge-node'),
      stop: () => stack.compose('stop', 'edge-node'),
    }),
  );
}

/** One user's way: register, watch, and find the seconds in /usage. */
async function watchesAndCounts(stack: Stack): Promise<string> {
  const viewer = new Viewer('one-user', () => stack.usersPort);
  await register(stack.origin, viewer.userId);
  const watched = viewer.watch('zato01');
  viewer.leaveAtNextClose();
  await allReceive([viewer]);
  await sleep(WATCH_MS);
  await stack.compose('restart', 'edge-node');
  await watched;
  const { zato01 } = await usageOf(stack.origin, viewer.userId);
  if (viewer.seconds < 1 || zato01 !== viewer.seconds) {
    throw new Error(`received ${viewer.seconds} s, /usage says ${zato01}`);
  }
  return `registered, watched, and /usage says the ${zato01} s that came`;
}

async function withDynamoDb(stack: Stack, step: Step): Promise<void> {
  await step('docker compose --env-file infra/docker/dynamodb.env up', async () => {
    const file = ['--env-file', 'infra/docker/dynamodb.env'];
    await stack.compose(...file, 'up', '--detach', '--wait', 'functions', 'edge-node');
    const running = await stack.compose('ps', '--services');
    if (running.split('\n').includes('cassandra')) throw new Error('Cassandra runs, too');
    return keepsContract(stack.origin);
  });
}

/** A run of the compose file under a name and ports of its own. */
class Stack {
  readonly #folder: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly origin: string;
  readonly usersPort: number;

  private constructor(folder: string, ports: readonly number[]) {
    const [functions = 0, users = 0, players = 0, admin = 0] = ports;
    this.#folder = folder;
    this.origin = `http://127.0.0.1:${functions}`;
    this.usersPort = users;
    this.#env = {
      COMPOSE_PROJECT_NAME: PROJECT,
      FUNCTIONS_PORT: String(functions),
      STREAM_PORT: String(users),
      WATCH_PORT: String(players),
      ADMIN_PORT: String(admin),
    };
  }

  static async in(folder: string): Promise<Stack> {
    return new Stack(folder, await freePorts(4));
  }

  compose(...args: readonly string[]): Promise<string> {
    return command('docker', ['compose', ...args], { cwd: this.#folder, env: this.#env });
  }

  async confined(service: string): Promise<string> {
    const id = await this.compose('ps', '--quiet', service);
    if ((await inspect(id, '{{.HostConfig.ReadonlyRootfs}}')) !== 'true') throw new Error(service);
    const said = await isConfined(id);
    if (service !== 'edge-node') return `${service}: ${said}`;
    const wmem = await docker('exec', id, 'cat', '/proc/sys/net/ipv4/tcp_wmem');
    return `${service}: ${said}, tcp_wmem ${wmem.replaceAll('\t', ' ')}`;
  }

  async down(): Promise<void> {
    await this.compose('--profile', '*', 'down', '--volumes', '--remove-orphans');
  }

  async leftNothing(): Promise<string> {
    const mine = ['--quiet', '--filter', `label=com.docker.compose.project=${PROJECT}`];
    const left = [
      await docker('container', 'ls', '--all', ...mine),
      await docker('volume', 'ls', ...mine),
      await docker('network', 'ls', ...mine),
    ].join('');
    if (left !== '') throw new Error(`left over: ${left}`);
    return 'no container, volume or network is left';
  }
}
