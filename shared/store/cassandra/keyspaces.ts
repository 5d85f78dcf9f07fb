import type { Client } from 'cassandra-driver';
import { StoreSetupError } from '../../errors.ts';

/** Where Amazon Keyspaces tells what its tables can; neither Cassandra nor ScyllaDB has a keyspace of that name. */
const OWN_KEYSPACE = 'system_schema_mcs';
/** What the accounts stand on and a table has only where it was made with it: the greater total wins, and rows expire. */
const NEEDED = ['client_side_timestamps', 'ttl'] as const;

type Reader = Pick<Client, 'execute'>;
type Properties = Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;

export async function isAmazonKeyspaces(client: Reader): Promise<boolean> {
  const query = 'SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?';
  const { rows } = await client.execute(query, [OWN_KEYSPACE]);
  return rows.length > 0;
}

/**
 * Nothing where the store is not Amazon Keyspaces.
 * @throws StoreSetupError where a table there cannot keep the accounts: totals would go back, or stay for ever
 */
export async function checkKeyspacesTables(client: Reader, keyspace: string): Promise<void> {
  if (!(await isAmazonKeyspaces(client))) return;
  const query = `SELECT table_name, custom_properties FROM ${OWN_KEYSPACE}.tables WHERE keyspace_name = ?`;
  const { rows } = await client.execute(query, [keyspace]);
  const usage = rows.find(({ table_name }) => table_name === 'usage');
  const properties: Properties = usage?.custom_properties ?? {};
  const lacking = NEEDED.filter((name) => properties[name]?.status !== 'enabled');
  if (lacking.length === 0) return;
  throw new StoreSetupError(
    `DB_NAME=${keyspace}: in Amazon Keyspaces the table usage must be made with ${lacking.join(' and ')} enabled, see docs/stores.md`,
  );
}
