import { HOUR_MS } from '../limits.ts';
import { bytes, integer, MIB, matching, natsUrls, oneOf, port, setting, text } from './setting.ts';

/** How channels come to edge nodes by way of relays and NATS. */
export const FEED_SETTINGS = {
  'Channels by NATS': {
    CHANNEL_FEED: setting(
      oneOf('tcp', 'nats'),
      'tcp',
      'Where an edge node takes channels from. `tcp`: all of them, from the channel source. `nats`: those that its users watch, from relays, by way of NATS.',
    ),
    CHANNEL_KEEP_MS: setting(
      integer(0, HOUR_MS),
      '60000',
      'With `CHANNEL_FEED=nats`: how long, in ms, a channel is still taken in after its last user has left it. Longer costs bandwidth, and lets who comes back start at once.',
    ),
    NATS_URL: setting(
      natsUrls,
      'nats://localhost:4222',
      'NATS servers, with commas between them: any that answers is taken, and another one when it is lost. `tls://` asks for TLS.',
    ),
    NATS_SUBJECT_PREFIX: setting(
      matching(/^[\w-]+(\.[\w-]+)*$/, 'words of letters, digits, _ and -, with dots between them'),
      'streaming',
      'First part of every subject: it keeps several fleets on one NATS apart.',
    ),
    NATS_CREDS_FILE: setting(
      text,
      '',
      'Credentials file (JWT and seed) that NATS asks for, read at each connection. Empty: none.',
    ),
    NATS_TLS_CA: setting(
      text,
      '',
      'PEM file with the authority that signs the certificates of NATS. Set: TLS is demanded. Empty: those that Node trusts, where TLS is used.',
    ),
  },
  'The relay': {
    RELAY_ADMIN_PORT: setting(
      port,
      '9116',
      'Port of `/healthz`, `/readyz`, `/metrics` and `/status` of a relay, at `ADMIN_HOST`; 0 takes a free one.',
    ),
    RELAY_QUEUE_BYTES: setting(
      bytes(16 * MIB, 64 * 1024 * MIB),
      '64 MiB',
      'What waits at most for NATS servers that are slow or away; past it the oldest messages are dropped and counted. More outlasts longer outages, and costs memory.',
    ),
  },
} as const;
