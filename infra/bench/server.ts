import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { loadConfig } from '../../shared/config.ts';
import type { UserId } from '../../shared/ids.ts';
import { openStore } from '../../shared/store/open-store.ts';
import { freePorts } from '../local/free-ports.ts';
import { BenchError, Child } from './child.ts';
import { productScript } from './programs.ts';

const START_MS = 15_000;
const POLL_MS = 50;

/** What is measured: it takes packets from the source's port and gives each user the payloads of one channel. */
export interface Server {
  readonly kind: 'edge node' | 'relay';
  readonly child: Child;
  readonly port: number;
  /** Where users come over HTTP, if they can. */
  readonly watchPort?: number;
  /** What it says of packets that users miss. The relay keeps no such accounts. */
  readonly counts?: () => Promise<ServerCounts>;
}

/** Since the start of the server. */
export interface ServerCounts {
  /** Packets skipped, over all users. */
  readonly skipped: number;
  /** Packets lost before the fan-out: missing at every user of the channel. */
  readonly lost: number;
}

export interface EdgeNode extends Server {
  /** The origin of `/metrics` and `/healthz`. */
  readonly admin: string;
}

export interface EdgeOptions {
  /** The store's file with the users, and the folder for the spool. */
  readonly dataFolder: string;
  readonly logFile: string;
  /** What is started in place of this checkout's edge node: Node's arguments. */
  readonly start?: readonly string[];
  /** Settings in place of their defaults. */
  readonly settings?: NodeJS.ProcessEnv;
}

function edgeEnvironment(dataFolder: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    STORE: 'sqlite',
    SQLITE_PATH: join(dataFolder, 'bench.db'),
    USAGE_SPOOL_DIR: join(dataFolder, 'spool'),
    CHANNEL_SOURCE_HOST: '127.0.0.1',
    STREAM_HOST: '127.0.0.1',
    ADMIN_HOST: '127.0.0.1',
  };
}

/** Registers bench-0 and on in a new store in `dataFolder`. */
export async function registerUsers(dataFolder: string, count: number): Promise<void> {
  const store = await openStore(loadConfig(edgeEnvironment(dataFolder)), pino({ level: 'error' }));
  for (let i = 0; i < count; i += 1) await store.register(`bench-${i}` as UserId);
  await store.close();
}

async function untilReady(child: Child, url: string): Promise<void> {
  const endMs = performance.now() + START_MS;
  while (performance.now() < endMs) {
    if (!child.running) throw new BenchError('the edge node ended at its start: see its log');
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(POLL_MS);
  }
  throw new BenchError(`the edge node was not ready in ${START_MS} ms: see its log`);
}

/** The sum of a metric over all its labels. */
export async function metric(admin: string, name: string): Promise<number> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  const samples = text.split('\n').filter((line) => line.split(/[{ ]/, 1)[0] === name);
  if (samples.length === 0) throw new BenchError(`/metrics has no ${name}`);
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** As an image starts it. */
const startOfImage = () => ['--max-semi-space-size=4', productScript('edge-node/main.js')];

export async function startEdgeNode(sourcePort: number, options: EdgeOptions): Promise<EdgeNode> {
  const [port = 0, watchPort = 0, adminPort = 0] = await freePorts(3);
  const child = new Child(process.execPath, [...(options.start ?? startOfImage())], {
    logFile: options.logFile,
    env: {
      ...edgeEnvironment(options.dataFolder),
      CHANNEL_SOURCE_PORT: String(sourcePort),
      STREAM_PORT: String(port),
      WATCH_PORT: String(watchPort),
      ADMIN_PORT: String(adminPort),
      ...options.settings,
    },
  });
  const admin = `http://127.0.0.1:${adminPort}`;
  await untilReady(child, `${admin}/readyz`).catch(async (error) => {
    await child.stop();
    throw error;
  });
  return {
    kind: 'edge node',
    child,
    port,
    watchPort,
    admin,
    counts: async () => ({
      skipped: await metric(admin, 'streaming_channel_skipped_packets_total'),
      lost: await metric(admin, 'streaming_channel_lost_packets_total'),
    }),
  };
}

/** A node is ready once one of its workers is: waits until all are, to have their share of the users. */
export async function untilAllServe(admin: string, workers: number): Promise<void> {
  while (workers > 1 && (await metric(admin, 'streaming_workers')) < workers) await sleep(POLL_MS);
}

/** The service's own relay, which puts what the source sends on NATS. */
export function startNatsRelay(sourcePort: number, natsUrls: string, logFile: string): Child {
  const script = productScript('edge-node/relay/main.js');
  return new Child(process.execPath, [script], {
    logFile,
    env: {
      ...process.env,
      NATS_URL: natsUrls,
      CHANNEL_SOURCE_HOST: '127.0.0.1',
      CHANNEL_SOURCE_PORT: String(sourcePort),
      RELAY_ADMIN_PORT: '0',
    },
  });
}

/** The gateway with these channels, and the port where edge nodes find them. */
export async function startGateway(channels: readonly string[]) {
  const main = productScript('edge-node/gateway/main.js');
  const child = new Child(process.execPath, [main, '--port', '0', ...channels], {
    env: { ...process.env, GATEWAY_ADMIN_PORT: '0' },
  });
  const port = await feedPort(child).catch(async (error) => {
    await child.stop();
    throw error;
  });
  return { child, port };
}

/** The gateway says it in the line in which it is ready. */
async function feedPort(gateway: Child): Promise<number> {
  for (;;) {
    const port = /"feed":(\d+)/.exec(await gateway.line(START_MS))?.[1];
    if (port !== undefined) return Number(port);
  }
}

/** The plain relay in C that the edge node is measured beside. */
export async function startRelay(program: string, sourcePort: number): Promise<Server> {
  const child = new Child(program, [sourcePort]);
  return { kind: 'relay', child, port: portFrom(await child.line(START_MS)) };
}

/** Reads `port <number>`. */
export function portFrom(line: string): number {
  const port = Number(/^port (\d+)$/.exec(line)?.[1]);
  if (Number.isNaN(port)) throw new BenchError(`expected a port, got: ${line}`);
  return port;
}
