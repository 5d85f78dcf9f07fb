import { HOUR_MS, RUN_MAX_BYTES } from '../limits.ts';
import {
  bearerSecrets,
  bytes,
  host,
  hostNames,
  integer,
  MIB,
  oneOf,
  optionalPort,
  port,
  secretSetting,
  secrets,
  setting,
  text,
} from './setting.ts';
import { SOURCE_SETTINGS } from './source-settings.ts';

/** What functions and the edge node are set by, but for their store. */
export const SERVICE_SETTINGS = {
  'Functions, 8080': {
    SERVER_HOST: setting(
      host,
      '127.0.0.1',
      'Address that functions listens on; `0.0.0.0` for all, as the containers set it.',
    ),
    SERVER_PORT: setting(port, '8080', 'Port of functions; 0 takes a free one.'),
    SERVER_DRAIN_MS: setting(
      integer(0, HOUR_MS),
      '1000',
      'How long, in ms, a stop is announced before the port closes: `/readyz` answers 503, and each answer tells its client to connect again. Make it longer than a load balancer takes to notice, unless something else takes the process out of balance first. The grace time of the orchestrator must exceed it. The operators’ port of an edge node keeps to it, too.',
    ),
    SERVER_METRICS_HOST: setting(
      host,
      '127.0.0.1',
      'Address of `/metrics` of functions. Not for the public.',
    ),
    SERVER_METRICS_PORT: setting(
      optionalPort,
      '',
      'Its port, such as 9115; 0 takes a free one, and without one there are no metrics.',
    ),
    SERVER_LOG_REQUESTS: setting(
      oneOf('debug', 'info'),
      'debug',
      'Level of the line that each request has in the log of functions: at `info` it is there by default.',
    ),
  },
  ...SOURCE_SETTINGS,
  Ordering: {
    REORDER_DEADLINE_MS: setting(
      integer(10, 60_000),
      '1000',
      'Longest wait, in ms, for a missing packet before its gap is given up. Longer mends more, and a lost packet holds its channel for as long.',
    ),
    REORDER_SETTLE_MS: setting(
      integer(1, 60_000),
      '200',
      'How long, in ms, the first packets of a channel are gathered (at its beginning, after a jump, after a restart of the source) before the lowest of them starts it. Shorter starts sooner and may drop what was shuffled before the start.',
    ),
    REORDER_MAX_PACKETS: setting(
      integer(16, 65_536),
      '1024',
      'Window of a channel in packets: how far out of order one may come.',
    ),
    REORDER_MAX_BYTES: setting(
      bytes(64 * 1024, 1024 * MIB),
      '4 MiB',
      'Most bytes held out of order for a channel; past it the lowest gap is given up early.',
    ),
  },
  'Channel logs': {
    CHANNEL_LOG_BYTES: setting(
      bytes(2 * RUN_MAX_BYTES, 1024 * MIB),
      '8 MiB',
      'Log of a channel: how far a slow user may fall behind before packets are skipped for it.',
    ),
    CHANNEL_LOG_MS: setting(
      integer(100, 600_000),
      '5000',
      'The same as a time, in ms. The newest entry point and what follows it are kept even if they are older.',
    ),
    ENTRY_MAX_AGE_MS: setting(
      integer(1000, 600_000),
      '15000',
      'An MPEG-TS entry point older than this, in ms, is not used: nobody starts there, and nothing is kept for it. Longer lets users of channels with rare key pictures start at once, but so much further behind.',
    ),
    EDGE_LOG_BYTES: setting(
      bytes(MIB, 1024 ** 4),
      '512 MiB',
      'Bound of all logs, held packets and what unfinished writes hold together; at the bound the oldest of all goes first.',
    ),
  },
  'Users, 9111': {
    STREAM_HOST: setting(host, '127.0.0.1', 'Address that users connect to.'),
    STREAM_PORT: setting(port, '9111', 'Port that users connect to; 0 takes a free one.'),
    START_AT: setting(
      oneOf('live', 'entry'),
      'live',
      "`live`: a user's first packet is the next one. `entry`: playback starts at once, at the newest MPEG-TS entry point (a key picture, with the tables before it), some seconds behind; what is from before the connection is not billed.",
    ),
    MAX_USERS: setting(
      integer(1, 1_000_000),
      '20000',
      'Most users at once; the limit of open files, less a sixteenth and at least 128, bounds them too. When the node is full, a newcomer takes the place of a user who has most likely left (who closed its side of the connection and took nothing for 2 s), or, if its channel is there, of a user who waits for a channel that is not. If there is none, it is refused.',
    ),
    MAX_SESSIONS_PER_USER: setting(
      integer(1, 1_000_000),
      '8',
      'Most connections of one user at once. A further one replaces one that has taken nothing for 2 s; if there is none, one that the user has closed on its side; if there is none either, the oldest, but this at most once a minute. Otherwise it is refused.',
    ),
    MAX_USERS_PER_ADDRESS: setting(
      integer(0, 1_000_000),
      '0',
      'Users at once of one IP address; 0 for no limit. Many viewers may share an address, behind a proxy or a mobile network.',
    ),
    USER_STALL_MS: setting(
      integer(100, HOUR_MS),
      '30000',
      'A user who takes nothing for so long, in ms, is reset. Shorter frees memory in the kernel sooner and forgives fewer dead spots.',
    ),
    REGISTRATION_TTL_MS: setting(
      integer(0, 24 * HOUR_MS),
      '60000',
      'How long, in ms, a user who was found registered is let in without asking the store again, and within which one who watches and was unregistered is cut off. While the store is away, for longer.',
    ),
    DRAIN_MS: setting(
      integer(0, HOUR_MS),
      '5000',
      "Time, in ms, over which users are closed at a stop. Longer spreads their reconnecting; the orchestrator's grace time must exceed it.",
    ),
  },
  Delivery: {
    PACKET_BATCH_SIZE: setting(
      integer(1, 1000),
      '10',
      'Packets in a run while the node is idle; a run is what a user is sent in one write. More: less CPU, longer delay on slow channels.',
    ),
    DELIVERY_LINGER_MS: setting(
      integer(0, 1000),
      '10',
      'Linger: the longest wait, in ms, for a run to fill while the node is idle. At 0 a run waits 1 ms at the most, and costs that much more CPU.',
    ),
    DELIVERY_LOAD_FACTOR: setting(
      integer(1, 100),
      '10',
      'How many times as large runs may become, and as long their linger, as the edge node gets busy. 1 keeps the delay constant and gives up most of the capacity.',
    ),
  },
  'Users over HTTP, 9113': {
    WATCH_HOST: setting(host, '127.0.0.1', 'Address that players connect to.'),
    WATCH_PORT: setting(port, '9113', 'Port that players connect to; 0 takes a free one.'),
    WATCH_START_AT: setting(
      oneOf('live', 'entry'),
      'entry',
      'As `START_AT`, for those who watch over HTTP and do not say `start=`: a player is best served by an entry point.',
    ),
    WATCH_PUBLIC_URL: setting(
      text,
      '',
      'Where players reach this port, such as `https://tv.example`: the beginning of each URL in a playlist. Empty: where the playlist was asked for.',
    ),
    WATCH_REGISTER: setting(
      oneOf('open', 'closed'),
      'closed',
      '`open`: whoever opens the players’ page may register there. For a node whose `/register` is open to them anyway; not with `API_KEYS`.',
    ),
    WATCH_CORS_ORIGIN: setting(
      text,
      '',
      'Origin whose web pages may read streams and playlists, or `*` for any. Empty: only pages of the same origin.',
    ),
  },
  'Who may watch': {
    STREAM_TOKEN_SECRETS: secretSetting(
      secrets,
      'Secrets that stream tokens (JWT, HS256) are signed with: 32 bytes or more each, commas between them. A token may be signed with any of them, so that secrets can be changed without a gap. Empty, and no key set either: whoever knows a user id watches in its name.',
    ),
    API_KEYS: secretSetting(
      bearerSecrets,
      'Keys of your own systems: 32 bytes or more each, commas between them. Set: `POST /register` and `GET /usage` take one in `Authorization: Bearer`, and `/usage` a stream token of its user as well. Empty: `/register` is open, and `/usage` too unless stream tokens are asked for.',
    ),
    STREAM_TOKEN_JWKS_FILE: setting(
      text,
      '',
      'JSON Web Key Set with public keys (RSA, P-256, Ed25519) that stream tokens (RS256, ES256, EdDSA) are checked by. Empty: none.',
    ),
  },
  'Operators, 9112': {
    ADMIN_HOST: setting(
      host,
      '127.0.0.1',
      'Address of the operators’ page, `/healthz`, `/readyz`, `/metrics` and `/status` of the edge node. Not for the public: it names users. Beyond loopback it needs `ADMIN_TOKEN`.',
    ),
    ADMIN_PORT: setting(port, '9112', 'Its port; 0 takes a free one.'),
    ADMIN_ALLOWED_HOSTS: setting(
      hostNames,
      '',
      'Names, with commas between them, by which the page and `/status` may be asked for besides `localhost`, the own host name and any IP address. This keeps out web pages that let a name of their own resolve to this machine (DNS rebinding).',
    ),
    ADMIN_TOKEN: secretSetting(
      bearerSecrets,
      'What operators show, in `Authorization: Bearer` or on the page, for everything on this port but `/healthz`, `/readyz` and `/metrics`: 32 bytes or more. Several, with commas between them, are all good, so that it can be changed without a gap. Empty: on loopback all is open; at any other `ADMIN_HOST` health and metrics alone are served.',
    ),
    LOG_LEVEL: setting(
      oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal'),
      'info',
      'Lowest level that is logged: trace, debug, info, warn, error or fatal.',
    ),
  },
  Usage: {
    PACKET_DURATION_MS: setting(
      integer(1, 60_000),
      '20',
      'Watching time, in ms, that one delivered packet stands for.',
    ),
    USAGE_FLUSH_MS: setting(
      integer(100, HOUR_MS),
      '5000',
      'How often, in ms, a growing row is written: how late `/usage` is, and half of what a killed edge node may lose. From 60000 on, which is the default with DynamoDB, only ended minutes and sessions are written.',
    ),
    USAGE_MAX_PENDING_ROWS: setting(
      integer(1000, 10_000_000),
      '200000',
      'Rows that wait in memory for a store that is away; further ones wait in the spool alone.',
    ),
    USAGE_SPOOL_DIR: setting(
      text,
      'data/spool',
      'Folder for rows that the store has not taken in time. Keep it on a disk that outlives the process.',
    ),
  },
} as const;
