import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '../free-ports.ts';
import { answers, SOURCE } from './cassandra.ts';
import { jvmArguments, LOG_SETTINGS, settings } from './cassandra-node.ts';
import { EngineUnavailable } from './engine-host.ts';
import { JvmHost } from './jvm-host.ts';
import { LocalEngine } from './local-engine.ts';
import { CACHE, prepareRuntime } from './runtime.ts';

/** Several nodes of one cluster, on 127.0.0.1, 127.0.0.2 and so on. Each can be paused, killed and restarted. */
export interface CassandraCluster {
  readonly nodes: readonly LocalEngine[];
  /** The settings by which a service finds them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends all and removes their data. */
  stop(): Promise<void>;
}

const FIRST = '127.0.0.1';
/** How long a node looks for the others before it gives up: this machine may be busy. */
const TOGETHER = { 'cassandra.ring_delay_ms': 5_000 } as const;
/** The ring from end to end: tokens are 64 bits. */
const RING = 2n ** 64n;
const RING_BEGINS = -(2n ** 63n);

/**
 * Starts `count` nodes, one after another, as each must be known to the next. They need addresses of loopback of their
 * own, which Linux has and macOS has not, and Java: containers would hide their addresses from clients.
 * @throws EngineUnavailable where they cannot run
 */
export async function startCassandraCluster(count: number): Promise<CassandraCluster> {
  const runtime = await prepareRuntime(SOURCE, () => {}, 'java');
  if (runtime.kind !== 'java') throw new EngineUnavailable('a cluster needs Java');
  const [port = 0, storagePort = 0] = await freePorts(2);
  const addresses = Array.from({ length: count }, (_, i) => `127.0.0.${i + 1}`);
  const nodes = await Promise.all(
    addresses.map(async (address, i) => {
      const folder = join(CACHE, 'run', `cassandra-${port}-${i + 1}`);
      await mkdir(folder, { recursive: true });
      const token = RING_BEGINS + (RING / BigInt(count)) * BigInt(i);
      const node = { folder, port, storagePort, address, token, seed: FIRST, durable: true };
      await writeFile(join(folder, 'cassandra.yaml'), settings(node));
      await writeFile(join(folder, 'logback.xml'), LOG_SETTINGS);
      const args = await jvmArguments(runtime.jars, folder, TOGETHER);
      const host = new JvmHost({ folder, java: runtime.java, args, detached: false });
      return new LocalEngine(port, host, () => answers(`${address}:${port}`));
    }),
  );
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    for (const node of nodes) await node.start();
  } catch (error) {
    await stop();
    throw error;
  }
  const DB_NODES = addresses.map((address) => `${address}:${port}`).join();
  return { nodes, environment: { STORE: 'cassandra', DB_NODES, DB_PORT: String(port) }, stop };
}
