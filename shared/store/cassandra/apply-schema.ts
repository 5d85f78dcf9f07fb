import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, types } from 'cassandra-driver';
import { StoreAwayError, StoreSetupError } from '../../errors.ts';
import { connectCassandra } from './client.ts';
import { isAmazonKeyspaces } from './keyspaces.ts';
import type { CassandraConfig } from './settings.ts';
import { isAnswer } from './setup-errors.ts';

const SCHEMA_FOLDER = new URL('.', import.meta.url);
/** A change of the schema takes longer than a request: the nodes write it to disk and tell each other. */
const CHANGE_TIMEOUT_MS = 10_000;
const AGREEMENT_POLL_MS = 100;

/** Takes one line about what was found or done. */
export type Say = (line: string) => void;

export interface Migration {
  /** Counts from 1. */
  readonly version: number;
  readonly file: string;
  readonly statements: readonly string[];
}

/** The files beside this one, in order: `<version>-<what>.cql`, statements that end in `;`, comments that begin with `--`. */
export async function readMigrations(): Promise<readonly Migration[]> {
  const files = (await readdir(SCHEMA_FOLDER)).filter((file) => file.endsWith('.cql')).sort();
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(new URL(file, SCHEMA_FOLDER), 'utf8');
      const statements = text.replaceAll(/^\s*--.*$/gm, '').split(';');
      return {
        version: Number.parseInt(file, 10),
        file,
        statements: statements.map((statement) => statement.trim()).filter(Boolean),
      };
    }),
  );
}

/**
 * An id that follows from the names. Two nodes that are asked at once to create one table would otherwise each make
 * an id of their own, and the cluster would have two tables of one name.
 */
function tableId(keyspace: string, statement: string): string {
  const [, table = ''] = /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(statement) ?? [];
  const hash = createHash('sha256').update(`${keyspace}.${table}`).digest().subarray(0, 16);
  // Version 8 of RFC 9562: made by a rule of one's own.
  hash[6] = 0x80 | ((hash[6] ?? 0) & 0x0f);
  hash[8] = 0x80 | ((hash[8] ?? 0) & 0x3f);
  return new types.Uuid(hash).toString();
}

/** The driver documents this call and has it, but not in its types. */
type AgreeingMetadata = Client['metadata'] & { checkSchemaAgreement(): Promise<boolean> };

/** Makes one change of the schema and waits until all nodes know it. */
async function change(client: Client, statement: string): Promise<void> {
  await client.execute(statement, [], { prepare: false });
  const deadline = performance.now() + CHANGE_TIMEOUT_MS;
  const metadata = client.metadata as AgreeingMetadata;
  while (!(await metadata.checkSchemaAgreement())) {
    if (performance.now() > deadline) {
      throw new StoreAwayError(
        'the nodes do not agree on the schema: run it again when all are up',
      );
    }
    await sleep(AGREEMENT_POLL_MS);
  }
}

type Replication = Readonly<Record<string, string>>;

async function readReplication(client: Client, keyspace: string): Promise<Replication | undefined> {
  const query = 'SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?';
  return (await client.execute(query, [keyspace])).first()?.replication;
}

/** Where DB_USER may make no keyspace, one that is there will do. */
async function createKeyspace(client: Client, config: CassandraConfig): Promise<void> {
  const { DB_NAME: keyspace, DB_DATACENTER: dataCenter, DB_REPLICATION: copies } = config;
  const replication = `{'class': 'NetworkTopologyStrategy', '${dataCenter}': ${copies}}`;
  try {
    await change(
      client,
      `CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = ${replication}`,
    );
  } catch (error) {
    const isRefused = isAnswer(error, types.responseErrorCodes.unauthorized);
    if (!isRefused || !(await readReplication(client, keyspace))) throw error;
  }
}

async function reportReplication(client: Client, config: CassandraConfig, say: Say): Promise<void> {
  const { DB_NAME: keyspace, DB_DATACENTER: dataCenter } = config;
  const replication = await readReplication(client, keyspace);
  const nodes = client.hosts.values().filter((host) => host.datacenter === dataCenter).length;
  say(`keyspace ${keyspace}: ${JSON.stringify(replication)}, ${nodes} nodes in ${dataCenter}`);
  if (nodes >= 3 && replication?.[dataCenter] === '1') {
    say(
      `warning: with one copy of each row on ${nodes} nodes, whenever a node is away its users are. ` +
        'DB_REPLICATION=3 at the first run keeps three; later it takes ALTER KEYSPACE and a repair',
    );
  }
}

async function createTables(client: Client, keyspace: string, say: Say): Promise<void> {
  for (const { version, file, statements } of await readMigrations()) {
    for (const statement of statements) {
      await change(client, statement.replace('{id}', tableId(keyspace, statement)));
    }
    // The version is its own write time, so that an older program never sets it back.
    await client.execute(
      "INSERT INTO schema_version (part, version) VALUES ('schema', ?) USING TIMESTAMP ?",
      [version, types.Long.fromNumber(version)],
    );
    say(`keyspace ${keyspace}: schema version ${version} (${file})`);
  }
}

async function connected(
  config: CassandraConfig,
  keyspace: string | undefined,
  work: (client: Client) => Promise<void>,
): Promise<void> {
  const client = await connectCassandra(config, keyspace, CHANGE_TIMEOUT_MS);
  try {
    await work(client);
  } finally {
    await client.close();
  }
}

/** Brings keyspace and tables to the newest version. May be repeated, and run at once from several places. */
export async function applyCassandraSchema(config: CassandraConfig, say: Say): Promise<void> {
  const keyspace = config.DB_NAME;
  await connected(config, undefined, async (client) => {
    if (await isAmazonKeyspaces(client)) {
      throw new StoreSetupError(
        `DB_NODES=${config.DB_NODES} is Amazon Keyspaces, whose tables are made by hand: docs/stores.md says how`,
      );
    }
    await createKeyspace(client, config);
    await reportReplication(client, config, say);
  });
  await connected(config, keyspace, (client) => createTables(client, keyspace, say));
}
