import { HOUR_MS, SOURCES_MAX } from '../limits.ts';
import { distinctNodes } from './addresses.ts';
import { bytes, integer, MIB, oneOf, setting } from './setting.ts';

/** Where an edge node has its channels from. */
export const SOURCE_SETTINGS = {
  'The channel source, 9110': {
    CHANNEL_SOURCE_HOST: setting(
      distinctNodes(SOURCES_MAX),
      'localhost',
      `Host of the channel source. Or several, ${SOURCES_MAX} at most, with commas between them: \`host\`, \`host:port\` or \`[IPv6]:port\`.`,
    ),
    CHANNEL_SOURCE_PORT: setting(
      integer(1, 65_535),
      '9110',
      'Port of the sources given without one.',
    ),
    CHANNEL_SOURCE_MODE: setting(
      oneOf('merge', 'failover'),
      'merge',
      '`merge`: all sources are read at once, and each packet goes on once, by its sequence, whichever source brings it first. For sources that number the same packets alike, such as two gateways on one stream; what they cost is read as often as there are sources. `failover`: one source at a time, the next when it is lost. For sources whose sequences differ.',
    ),
    SOURCE_SILENCE_MS: setting(
      integer(0, HOUR_MS),
      '10000',
      'After so long without a packet, in ms, the connection to a source is made anew; 0: never. Longer than the longest pause of all channels together.',
    ),
    MAX_PAYLOAD_BYTES: setting(
      bytes(1, 64 * MIB),
      '1 MiB',
      'Largest payload of a packet. A larger limit notices later that what the source sends are no packets.',
    ),
    MAX_CHANNELS: setting(
      integer(1, 1_000_000),
      '4096',
      'Channels at once. A further one replaces the least recently used channel that has no users and had no packet in the last second. If there is none, its packets are dropped and counted.',
    ),
  },
} as const;
