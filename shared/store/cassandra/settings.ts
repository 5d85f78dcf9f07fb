import { nodeList } from '../../config/addresses.ts';
import { integer, matching, setting, text, type Values } from '../../config/setting.ts';

export const CASSANDRA_SETTINGS = {
  DB_NODES: setting(
    nodeList,
    'localhost',
    'Cassandra nodes to begin with, with commas between them: `host`, `host:port` or `[IPv6]:port`. The driver finds the others.',
  ),
  DB_PORT: setting(integer(1, 65_535), '9042', 'Port of Cassandra nodes given without one.'),
  DB_NAME: setting(
    matching(/^[a-z][a-z0-9_]{0,47}$/, 'a lower-case name of letters, digits and _, 48 at most'),
    'streaming_service',
    "Cassandra's keyspace.",
  ),
  DB_USER: setting(text, 'cassandra', "User's name at Cassandra."),
  DB_PASS: setting(text, 'cassandra', "User's password at Cassandra."),
  DB_DATACENTER: setting(
    matching(/^[\w.-]+$/, 'letters, digits and . _ -'),
    'datacenter1',
    'Data centre whose nodes are asked; the others only receive copies.',
  ),
  DB_REPLICATION: setting(
    integer(1, 99),
    '1',
    'Copies of each row in `DB_DATACENTER`, for a keyspace that `npm run schema` creates. 1 is for one machine: with 3, a node may be lost.',
  ),
  DB_TLS_CA: setting(text, '', 'PEM file of the authority to trust at Cassandra; empty is no TLS.'),
} as const;

export type CassandraConfig = Values<typeof CASSANDRA_SETTINGS>;
