import { ConfigError } from './errors.ts';
import { PACKET_OVERHEAD_BYTES, RUN_MAX_BYTES } from './limits.ts';

/** Reads a setting's text, or throws a RangeError that says what it should have been. */
type Parse<T> = (text: string) => T;

interface Setting<T> {
  readonly default: string;
  readonly parse: Parse<T>;
  readonly about: string;
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

function integer(min: number, max: number): Parse<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max))
      throw new RangeError(`a whole number from ${min} to ${max}`);
    return value;
  };
}

function bytes(min: number, max: number): Parse<number> {
  return (text) => {
    const [, digits, unit = ''] = /^(\d{1,15}) ?(KiB|MiB|GiB)?$/.exec(text) ?? [];
    const value = digits === undefined ? Number.NaN : Number(digits) * (UNITS[unit] ?? Number.NaN);
    if (!(value >= min && value <= max)) {
      throw new RangeError(`bytes from ${min} to ${max} (KiB, MiB and GiB may follow the number)`);
    }
    return value;
  };
}

function oneOf<const T extends string>(...values: readonly T[]): Parse<T> {
  return (text) => {
    const found = values.find((value) => value === text);
    if (found === undefined) throw new RangeError(`one of ${values.join(', ')}`);
    return found;
  };
}

function matching(pattern: RegExp, what: string): Parse<string> {
  return (text) => {
    if (!pattern.test(text)) throw new RangeError(what);
    return text;
  };
}

const NODE = /^(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i;

const nodeList: Parse<readonly string[]> = (text) => {
  const nodes = text.split(',').map((node) => node.trim());
  if (!nodes.every((node) => NODE.test(node))) {
    throw new RangeError('hosts with commas between them, each with :port or without');
  }
  return nodes;
};

const text: Parse<string> = (value) => value;
const port = integer(0, 65_535);
const MIB = 1024 ** 2;
const HOUR_MS = 3_600_000;

function setting<T>(parse: Parse<T>, fallback: string, about: string): Setting<T> {
  return { default: fallback, parse, about };
}

/** Every setting of both services, once: its name in the environment, default, form and purpose. */
export const SETTINGS = {
  SERVER_HOST: setting(text, '127.0.0.1', 'address that functions listens on'),
  SERVER_PORT: setting(port, '8080', 'port of functions; 0 takes a free one'),
  STREAM_HOST: setting(text, '127.0.0.1', 'address that users connect to'),
  STREAM_PORT: setting(port, '9111', 'port that users connect to; 0 takes a free one'),
  CHANNEL_SOURCE_HOST: setting(text, 'localhost', 'host of the channel source'),
  CHANNEL_SOURCE_PORT: setting(integer(1, 65_535), '9110', 'port of the channel source'),
  ADMIN_HOST: setting(text, '127.0.0.1', "address of the edge node's health, metrics and status"),
  ADMIN_PORT: setting(port, '9112', 'port of health, metrics and status; 0 takes a free one'),
  PACKET_BATCH_SIZE: setting(integer(1, 1000), '10', 'packets in a run while idle'),
  DELIVERY_LINGER_MS: setting(integer(0, 1000), '10', 'longest wait for a run to fill while idle'),
  DELIVERY_LOAD_FACTOR: setting(integer(1, 100), '10', 'how far batch and linger grow under load'),
  REORDER_DEADLINE_MS: setting(integer(10, 60_000), '1000', 'longest wait for a missing packet'),
  REORDER_SETTLE_MS: setting(
    integer(1, 60_000),
    '200',
    'how long an epoch gathers its first packets',
  ),
  REORDER_MAX_PACKETS: setting(integer(16, 65_536), '1024', 'window of a channel, in packets'),
  REORDER_MAX_BYTES: setting(
    bytes(64 * 1024, 1024 * MIB),
    '4 MiB',
    'held out-of-order bytes of a channel',
  ),
  CHANNEL_LOG_BYTES: setting(
    bytes(2 * RUN_MAX_BYTES, 1024 * MIB),
    '8 MiB',
    'log of a channel, in bytes',
  ),
  CHANNEL_LOG_MS: setting(integer(100, 600_000), '5000', 'log of a channel, in time'),
  EDGE_LOG_BYTES: setting(
    bytes(MIB, 1024 ** 4),
    '512 MiB',
    'logs and held packets of all channels',
  ),
  USER_STALL_MS: setting(
    integer(100, HOUR_MS),
    '30000',
    'a user none of whose writes ends for so long is reset',
  ),
  MAX_USERS: setting(integer(1, 1_000_000), '20000', 'users at once'),
  MAX_SESSIONS_PER_USER: setting(integer(1, 1_000_000), '8', 'connections of one user at once'),
  MAX_CHANNELS: setting(
    integer(1, 1_000_000),
    '4096',
    'channels at once; packets of further ones are dropped',
  ),
  MAX_PAYLOAD_BYTES: setting(
    bytes(1, 64 * MIB),
    '1 MiB',
    'a larger payload length means that framing is lost',
  ),
  START_AT: setting(
    oneOf('live', 'entry'),
    'live',
    "a user's first packet: live, or the newest MPEG-TS entry point",
  ),
  STORE: setting(
    oneOf('cassandra', 'dynamodb', 'sqlite'),
    'cassandra',
    'where registrations and usage live',
  ),
  DB_NODES: setting(
    nodeList,
    'localhost',
    'Cassandra nodes to begin with: host, host:port or [IPv6]:port, with commas between them',
  ),
  DB_PORT: setting(integer(1, 65_535), '9042', 'port of Cassandra nodes given without one'),
  DB_NAME: setting(
    matching(/^[a-z][a-z0-9_]{0,47}$/, 'a lower-case name of letters, digits and _, 48 at most'),
    'streaming_service',
    "Cassandra's keyspace",
  ),
  DB_USER: setting(text, 'cassandra', "user's name at Cassandra"),
  DB_PASS: setting(text, 'cassandra', "user's password at Cassandra"),
  DB_DATACENTER: setting(
    matching(/^[\w.-]+$/, 'letters, digits and . _ -'),
    'datacenter1',
    'Cassandra data centre whose nodes are asked',
  ),
  DB_REPLICATION: setting(
    integer(1, 99),
    '1',
    'copies of each row in DB_DATACENTER, for a keyspace that npm run schema creates',
  ),
  DB_TLS_CA: setting(text, '', 'PEM file of the authority to trust at Cassandra; empty: no TLS'),
  SQLITE_PATH: setting(text, 'data/streaming-service.db', 'file of the SQLite store'),
  DYNAMODB_TABLE_PREFIX: setting(
    matching(/^[\w.-]{1,200}$/, 'letters, digits and . _ -, 200 at most'),
    'streaming-service',
    "beginning of DynamoDB's table names",
  ),
  PACKET_DURATION_MS: setting(integer(1, 60_000), '20', 'watching time that one packet stands for'),
  USAGE_FLUSH_MS: setting(
    integer(100, HOUR_MS),
    '5000',
    'how often a growing row is written; from 60000 on ended rows only',
  ),
  USAGE_MAX_PENDING_ROWS: setting(
    integer(1000, 10_000_000),
    '200000',
    'rows that wait for the store in memory',
  ),
  USAGE_SPOOL_DIR: setting(text, 'data/spool', 'folder for rows that the store has not taken'),
  REGISTRATION_TTL_MS: setting(
    integer(0, 24 * HOUR_MS),
    '60000',
    'how long a known user needs no look-up',
  ),
  DRAIN_MS: setting(integer(0, HOUR_MS), '5000', 'time over which users are closed at a stop'),
  LOG_LEVEL: setting(
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal'),
    'info',
    'least level that is logged',
  ),
} as const;

export type SettingName = keyof typeof SETTINGS;
export type Config = { readonly [N in SettingName]: ReturnType<(typeof SETTINGS)[N]['parse']> };

/** Relations between settings that a start depends on: [holds, what to say]. */
function relations(config: Config): readonly (readonly [boolean, string])[] {
  const largest = config.MAX_PAYLOAD_BYTES + PACKET_OVERHEAD_BYTES;
  return [
    [
      config.REORDER_SETTLE_MS <= config.REORDER_DEADLINE_MS,
      'REORDER_SETTLE_MS must not exceed REORDER_DEADLINE_MS',
    ],
    [
      2 * largest <= config.REORDER_MAX_BYTES,
      'REORDER_MAX_BYTES must hold two packets of MAX_PAYLOAD_BYTES',
    ],
    [
      largest <= config.CHANNEL_LOG_BYTES,
      'CHANNEL_LOG_BYTES must hold a packet of MAX_PAYLOAD_BYTES',
    ],
    [
      config.CHANNEL_LOG_BYTES + config.REORDER_MAX_BYTES <= config.EDGE_LOG_BYTES,
      'EDGE_LOG_BYTES must hold CHANNEL_LOG_BYTES and REORDER_MAX_BYTES of one channel',
    ],
  ];
}

/**
 * Reads all settings from an environment; an empty value counts as unset.
 * @throws ConfigError with one line that names the setting
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const entries = Object.entries(SETTINGS).map(([name, { parse, default: fallback }]) => {
    const given = env[name] || fallback;
    try {
      return [name, parse(given)];
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new ConfigError(`${name} must be ${error.message}, not ${JSON.stringify(given)}`);
    }
  });
  const config = Object.freeze(Object.fromEntries(entries) as Config);
  for (const [holds, problem] of relations(config)) if (!holds) throw new ConfigError(problem);
  return config;
}
