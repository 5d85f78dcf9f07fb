import { readFile } from 'node:fs/promises';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { addressOf } from '../../config/addresses.ts';
import { StoreSetupError } from '../../errors.ts';
import type { CassandraConfig } from './settings.ts';

/** Trusts what the authority has signed for the node's address or for a name that stands in DB_NODES. */
export async function tlsOptions(config: CassandraConfig): Promise<ConnectionOptions> {
  const ca = await readFile(config.DB_TLS_CA).catch((error: Error) => {
    throw new StoreSetupError(`DB_TLS_CA=${config.DB_TLS_CA} cannot be read: ${error.message}`);
  });
  const names = config.DB_NODES.map((node) => addressOf(node, config.DB_PORT).host);
  return {
    ca,
    rejectUnauthorized: true,
    checkServerIdentity: (host, certificate) => {
      const problem = checkServerIdentity(host, certificate);
      const known = names.some((name) => checkServerIdentity(name, certificate) === undefined);
      return known ? undefined : problem;
    },
  };
}
