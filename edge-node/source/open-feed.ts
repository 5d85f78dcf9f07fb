import type { Clock } from '../../shared/clock.ts';
import { type Address, addressOf } from '../../shared/config/addresses.ts';
import type { Config } from '../../shared/config.ts';
import { SOURCE_TURN_BYTES } from '../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../shared/logger.ts';
import { receiveBufferMaxBytes } from './receive-buffer.ts';
import { SourceClient } from './source-client.ts';
import { TcpFeed } from './tcp-feed.ts';

export interface FeedParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limiter: LogLimiter;
}

/** Channel sources as the settings name them. Nothing is taken before the feed is started. */
export function openTcpFeed({ config, ...parts }: FeedParts): TcpFeed {
  const groups = sourcesOf(config);
  const maxUnreadBytes = receiveBufferMaxBytes();
  return new TcpFeed(
    groups.map(
      (places, source) =>
        new SourceClient({
          ...parts,
          source,
          places,
          maxPayloadBytes: config.MAX_PAYLOAD_BYTES,
          // Each has its share, so that none of them can keep another from being read.
          turnBytes: Math.ceil(SOURCE_TURN_BYTES / groups.length),
          maxUnreadBytes,
          silenceMs: config.SOURCE_SILENCE_MS,
        }),
    ),
  );
}

type Places = readonly [Address, ...Address[]];

/** What is read at once, each with the places where it may be. */
function sourcesOf(config: Config): readonly Places[] {
  const { CHANNEL_SOURCE_HOST, CHANNEL_SOURCE_PORT, CHANNEL_SOURCE_MODE } = config;
  const places = CHANNEL_SOURCE_HOST.map((node) => addressOf(node, CHANNEL_SOURCE_PORT));
  if (CHANNEL_SOURCE_MODE === 'merge') return places.map((place) => [place]);
  const [first, ...others] = places;
  return first === undefined ? [] : [[first, ...others]];
}
