import { readdir } from 'node:fs/promises';

export const HEAP = '512m';

/** A node alone has nobody to wait for. */
export const ALONE = {
  'cassandra.superuser_setup_delay_ms': 0,
  'cassandra.skip_wait_for_gossip_to_settle': 0,
  'cassandra.ring_delay_ms': 100,
} as const;

/** Cassandra's own default writes its log to disk every 10 s, and confirms before that. */
const COMMIT_LOG_SYNC = {
  periodic: 'commitlog_sync: periodic\ncommitlog_sync_period: 10s',
  batch: 'commitlog_sync: batch',
} as const;

export function asFlags(properties: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(properties).map(([name, value]) => `-D${name}=${value}`);
}

export interface CassandraNode {
  readonly folder: string;
  readonly port: number;
  readonly storagePort: number;
  readonly durable: boolean;
  /** Of loopback; nodes of a cluster differ by it alone. */
  readonly address?: string;
  /** The first node of a cluster, which the others find it by. */
  readonly seed?: string;
  /** Its place on the ring, for a node of a cluster. */
  readonly token?: bigint;
}

/**
 * A node alone asks for a user, the first of whom is cassandra with the password cassandra. Nodes of a cluster ask
 * nobody: who may log in would stand on one of them, which may be the one that is killed.
 */
export function settings(node: CassandraNode): string {
  const { folder, port, storagePort, durable, token, address = '127.0.0.1', seed = address } = node;
  const isAlone = token === undefined;
  return `cluster_name: local
num_tokens: 1
${isAlone ? '' : `initial_token: ${token}\nauto_bootstrap: false`}
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
listen_address: ${address}
storage_port: ${storagePort}
broadcast_address: ${address}
rpc_address: ${address}
broadcast_rpc_address: ${address}
native_transport_port: ${port}
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: "${seed}:${storagePort}"
authenticator: ${isAlone ? 'PasswordAuthenticator' : 'AllowAllAuthenticator'}
authorizer: ${isAlone ? 'CassandraAuthorizer' : 'AllowAllAuthorizer'}
data_file_directories: ["${folder}/data"]
commitlog_directory: "${folder}/commitlog"
hints_directory: "${folder}/hints"
saved_caches_directory: "${folder}/saved_caches"
${COMMIT_LOG_SYNC[durable ? 'batch' : 'periodic']}
auto_snapshot: false
`;
}

export const LOG_SETTINGS = `<configuration>
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

/** @param others what to set otherwise than for a node alone */
export async function jvmArguments(
  jars: string,
  folder: string,
  others: Readonly<Record<string, unknown>> = {},
): Promise<string[]> {
  const agent = (await readdir(jars)).find((file) => /^jamm-.*\.jar$/.test(file));
  const properties = {
    'cassandra.config': `file://${folder}/cassandra.yaml`,
    'cassandra.storagedir': folder,
    ...ALONE,
    ...others,
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
