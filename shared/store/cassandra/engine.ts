import type { Engine } from '../engine.ts';
import { applyCassandraSchema } from './apply-schema.ts';
import { openCassandra } from './cassandra-store.ts';
import type { CassandraConfig } from './settings.ts';

export const cassandra: Engine<CassandraConfig> = {
  describe: ({ DB_NODES }) => `DB_NODES=${DB_NODES}`,
  open: openCassandra,
  createSchema: applyCassandraSchema,
};
