import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../../../shared/config.ts';
import { connectCassandra } from '../../../shared/store/cassandra/client.ts';
import { freePorts } from '../free-ports.ts';
import { ALONE, asFlags, HEAP, jvmArguments, LOG_SETTINGS, settings } from './cassandra-node.ts';
import { ContainerHost } from './container-host.ts';
import type { EngineHost } from './engine-host.ts';
import type { EngineOptions, ServerEngine } from './engine-kind.ts';
import { JvmHost } from './jvm-host.ts';
import { LocalEngine } from './local-engine.ts';
import { CACHE, type EngineSource, prepareRuntime, type Runtime } from './runtime.ts';

export const SOURCE: EngineSource = {
  name: 'cassandra',
  image: 'cassandra:5.0',
  artifact: 'org.apache.cassandra:cassandra-all:5.0.9',
  java: [11, 17],
};

const INNER_PORT = 9042;

async function createHost(
  runtime: Runtime,
  port: number,
  { durable = false, detached = false }: EngineOptions,
): Promise<EngineHost> {
  const folder = join(CACHE, 'run', `cassandra-${port}`);
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'cassandra.yaml');
  if (runtime.kind === 'docker') {
    // The image's own start replaces the addresses by the container's.
    await writeFile(
      file,
      settings({ folder: '/var/lib/cassandra', port: INNER_PORT, storagePort: 7000, durable }),
    );
    return new ContainerHost({
      name: `streaming-service-cassandra-${port}`,
      image: runtime.image,
      innerPort: INNER_PORT,
      port,
      env: {
        MAX_HEAP_SIZE: HEAP,
        HEAP_NEWSIZE: '128m',
        JVM_EXTRA_OPTS: asFlags(ALONE).join(' '),
      },
      folder,
      mounts: { [file]: '/etc/cassandra/cassandra.yaml' },
      command: [],
    });
  }
  if (!existsSync(file)) {
    const [storagePort = 0] = await freePorts(1);
    await writeFile(file, settings({ folder, port, storagePort, durable }));
    await writeFile(join(folder, 'logback.xml'), LOG_SETTINGS);
  }
  const args = await jvmArguments(runtime.jars, folder);
  return new JvmHost({ folder, java: runtime.java, args, detached });
}

/** It answers once its first user may log in, which is a moment after the port opens. */
export async function answers(endpoint: string): Promise<boolean> {
  try {
    const client = await connectCassandra(loadConfig({ DB_NODES: endpoint }));
    await client.close();
    return true;
  } catch {
    return false;
  }
}

const DROP_TIMEOUT_MS = 30_000;

/** The first user is cassandra, with the password cassandra: the settings' own defaults. */
export const CASSANDRA: ServerEngine = {
  kind: 'server',
  source: SOURCE,
  defaultPort: 9042,
  testVariable: 'TEST_CASSANDRA_NODE',
  isStandIn: false,
  endpoint: (port) => `127.0.0.1:${port}`,
  environment: (endpoint) => ({ DB_NODES: endpoint }),
  ownPart: (name) => ({ DB_NAME: name }),
  async removePart(config) {
    const client = await connectCassandra(config, undefined, DROP_TIMEOUT_MS);
    const drop = `DROP KEYSPACE IF EXISTS ${config.DB_NAME}`;
    await client.execute(drop, [], { prepare: false });
    await client.close();
  },
  async create(port, options) {
    const runtime = await prepareRuntime(SOURCE, options.say ?? (() => {}));
    const host = await createHost(runtime, port, options);
    return new LocalEngine(port, host, () => answers(`127.0.0.1:${port}`));
  },
};
