import type { Clock } from '../../../shared/clock.ts';
import type { NatsLink } from '../../nats/nats-link.ts';
import type { Feed } from '../../source/feed.ts';
import type { Backlogs } from '../backlogs.ts';
import type { Publisher } from '../publisher.ts';
import type { RelayChannels } from '../relay-channels.ts';

/** The parts of a running relay, as its metrics and its status look at them. */
export interface RelayView {
  readonly feed: Feed;
  readonly link: NatsLink;
  readonly channels: RelayChannels;
  readonly publisher: Publisher;
  readonly backlogs: Backlogs;
  readonly clock: Clock;
  /** Log lines that nobody read in time. */
  readonly droppedLogLines: () => number;
}
