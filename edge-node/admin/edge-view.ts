import type { Clock } from '../../shared/clock.ts';
import type { Store } from '../../shared/store/store.ts';
import type { ChannelDirectory } from '../channels/channel-directory.ts';
import type { LoadFactor } from '../channels/load-factor.ts';
import type { ConnectionCounts } from '../delivery/connection-counts.ts';
import type { Registrations } from '../delivery/registrations.ts';
import type { Sessions } from '../delivery/sessions.ts';
import type { SourceClient } from '../source/source-client.ts';
import type { UsageWriter } from '../usage/writer.ts';

/** The parts of a running edge node, as its metrics and its status look at them. */
export interface EdgeView {
  readonly storeName: string;
  readonly packetDurationMs: number;
  readonly store: Store;
  readonly source: SourceClient;
  readonly channels: ChannelDirectory;
  readonly sessions: Sessions;
  readonly counts: ConnectionCounts;
  readonly registrations: Registrations;
  readonly writer: UsageWriter;
  readonly load: LoadFactor;
  readonly clock: Clock;
  /** Listening, and not draining. */
  readonly isAccepting: () => boolean;
}
