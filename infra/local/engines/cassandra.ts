import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '../../../shared/config.ts';
import { connectCassandra } from '../../../shared/store/cassandra/client.ts';
import { freePorts } from '../free-ports.ts';
import { ContainerHost } from './container-host.ts';
import type { EngineHost } from './engine-host.ts';
import type { EngineOptions, ServerEngine } from './engine-kind.ts';
import { JvmHost } from './jvm-host.ts';
import { LocalEngine } from './local-engine.ts';
import { CACHE, type EngineSource, prepareRuntime, type Runtime } from './runtime.ts';

const SOURCE: EngineSource = {
  name: 'cassandra',
  image: 'cassandra:5.0',
  artifact: 'org.apache.cassandra:cassandra-all:5.0.9',
  java: [11, 17],
};

const HEAP = '512m';
const INNER_PORT = 9042;

/** One node has nobody to wait for. */
const ALONE = {
  'cassandra.superuser_setup_delay_ms': 0,
  'cassandra.skip_wait_for_gossip_to_settle': 0,
  'cassandra.ring_delay_ms': 100,
} as const;

/** Cassandra's own default writes its log to disk every 10 s, and confirms before that. */
const COMMIT_LOG_SYNC = {
  periodic: 'commitlog_sync: periodic\ncommitlog_sync_period: 10s',
  batch: 'commitlog_sync: batch',
} as const;

function asFlags(properties: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(properties).map(([name, value]) => `-D${name}=${value}`);
}

/** One node on loopback; the first user is cassandra, with the password cassandra. */
function settings(folder: string, port: number, storagePort: number, durable: boolean): string {
  return `cluster_name: local
num_tokens: 1
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
listen_address: 127.0.0.1
storage_port: ${storagePort}
broadcast_address: 127.0.0.1
rpc_address: 127.0.0.1
broadcast_rpc_address: 127.0.0.1
native_transport_port: ${port}
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: "127.0.0.1:${storagePort}"
authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
data_file_directories: ["${folder}/data"]
commitlog_directory: "${folder}/commitlog"
hints_directory: "${folder}/hints"
saved_caches_directory: "${folder}/saved_caches"
${COMMIT_LOG_SYNC[durable ? 'batch' : 'periodic']}
auto_snapshot: false
`;
}

const LOG_SETTINGS = `<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%date %-5level %logger{0} - %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>
`;

/** What Cassandra and its libraries reach into behind the walls of Java's modules. */
function moduleFlags(): string[] {
  const java = ['io', 'lang', 'lang.module', 'lang.reflect', 'math', 'net', 'nio', 'util'];
  const internal = ['loader', 'math', 'misc', 'module', 'ref', 'reflect', 'util.jar'];
  const opened = [
    ...java.map((name) => `java.${name}`),
    'java.util.concurrent',
    'java.util.concurrent.atomic',
    ...internal.map((name) => `jdk.internal.${name}`),
    'sun.nio.ch',
  ].map((name) => `java.base/${name}`);
  const exported = [
    'java.management/com.sun.jmx.remote.security',
    ...['registry', 'server', 'transport.tcp'].map((name) => `java.rmi/sun.rmi.${name}`),
  ];
  return [
    ...opened.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
    '--add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED',
    ...exported.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
  ];
}

async function jvmArguments(jars: string, folder: string): Promise<string[]> {
  const agent = (await readdir(jars)).find((file) => /^jamm-.*\.jar$/.test(file));
  const properties = {
    'cassandra.config': `file://${folder}/cassandra.yaml`,
    'cassandra.storagedir': folder,
    ...ALONE,
    'io.netty.tryReflectionSetAccessible': true,
    'java.net.preferIPv4Stack': true,
    'jdk.attach.allowAttachSelf': true,
    'logback.configurationFile': `${folder}/logback.xml`,
  };
  return [
    ...moduleFlags(),
    `-javaagent:${jars}/${agent}`,
    `-Xmx${HEAP}`,
    '-Xss512k',
    '-XX:+UseG1GC',
    '-XX:+ExitOnOutOfMemoryError',
    '-XX:+PerfDisableSharedMem',
    ...asFlags(properties),
    ...['-cp', `${jars}/*`, 'org.apache.cassandra.service.CassandraDaemon'],
  ];
}

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
    await writeFile(file, settings('/var/lib/cassandra', INNER_PORT, 7000, durable));
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
    await writeFile(file, settings(folder, port, storagePort, durable));
    await writeFile(join(folder, 'logback.xml'), LOG_SETTINGS);
  }
  const args = await jvmArguments(runtime.jars, folder);
  return new JvmHost({ folder, java: runtime.java, args, detached });
}

/** It answers once its first user may log in, which is a moment after the port opens. */
async function answers(port: number): Promise<boolean> {
  try {
    const client = await connectCassandra(loadConfig({ DB_NODES: `127.0.0.1:${port}` }));
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
    const client = await connectCassandra(config);
    const drop = `DROP KEYSPACE IF EXISTS ${config.DB_NAME}`;
    await client.execute(drop, [], { prepare: false, readTimeout: DROP_TIMEOUT_MS });
    await client.close();
  },
  async create(port, options) {
    const runtime = await prepareRuntime(SOURCE, options.say ?? (() => {}));
    const host = await createHost(runtime, port, options);
    return new LocalEngine(port, host, () => answers(port));
  },
};
