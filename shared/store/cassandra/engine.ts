import { defineEngine } from '../engine.ts';
import { applyCassandraSchema } from './apply-schema.ts';
import { openCassandra } from './cassandra-store.ts';
import { cassandraRegistrations } from './registrations.ts';
import type { CassandraConfig } from './settings.ts';
import { CASSANDRA_SETUP_ERRORS } from './setup-errors.ts';

export const cassandra = defineEngine<CassandraConfig>({
  describe: ({ DB_NODES }) => `DB_NODES=${DB_NODES}`,
  open: openCassandra,
  createSchema: applyCassandraSchema,
  registrations: cassandraRegistrations,
  setupErrors: CASSANDRA_SETUP_ERRORS,
});
