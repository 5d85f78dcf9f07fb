import { errors, types } from 'cassandra-driver';
import { StoreSetupError } from '../../errors.ts';
import type { SetupError } from '../setup-errors.ts';
import type { CassandraConfig } from './settings.ts';

const { configError, invalid, unauthorized } = types.responseErrorCodes;

/** Whether a node has answered with one of these codes. */
export function isAnswer(error: unknown, ...codes: readonly number[]): boolean {
  return error instanceof errors.ResponseError && codes.includes(error.code);
}

/** What waiting does not mend at Cassandra. */
export const CASSANDRA_SETUP_ERRORS: readonly SetupError<CassandraConfig>[] = [
  {
    when: (error) => error instanceof errors.ArgumentError,
    say: ({ DB_DATACENTER, DB_NODES }) =>
      `no node of DB_NODES=${DB_NODES} is in DB_DATACENTER=${DB_DATACENTER}`,
  },
  {
    when: (error) => error instanceof errors.AuthenticationError,
    say: ({ DB_NODES }) => `DB_USER and DB_PASS are refused by DB_NODES=${DB_NODES}`,
  },
  {
    when: ({ code }) => /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|^ERR_(SSL|TLS)_/.test(String(code)),
    say: ({ DB_TLS_CA, DB_NODES }) =>
      `DB_TLS_CA=${DB_TLS_CA} did not sign the certificate of DB_NODES=${DB_NODES}, or it is for another name`,
  },
  {
    when: (error) => isAnswer(error, invalid, configError),
    say: ({ DB_NAME }) => `DB_NAME=${DB_NAME} has no tables, run "npm run schema"`,
  },
  {
    when: (error) => isAnswer(error, unauthorized),
    say: ({ DB_USER, DB_NAME }) => `DB_USER=${DB_USER} may not use DB_NAME=${DB_NAME}: grant it`,
  },
];

export function isSetupError(error: Error): boolean {
  return error instanceof StoreSetupError || CASSANDRA_SETUP_ERRORS.some(({ when }) => when(error));
}
