import type { Clock } from '../../shared/clock.ts';
import type { OpenFilesWatch } from '../../shared/open-files.ts';
import type { Store } from '../../shared/store/store.ts';
import type { Admission } from '../admission/admission.ts';
import type { Registrations } from '../admission/registrations.ts';
import type { ChannelDirectory } from '../channels/channel-directory.ts';
import type { ConnectionRecord } from '../delivery/connection-record.ts';
import type { LoadFactor } from '../delivery/load-factor.ts';
import type { LoopDelay } from '../delivery/loop-delay.ts';
import type { Overload } from '../delivery/overload.ts';
import type { Session } from '../delivery/session.ts';
import type { Connection, Sessions } from '../delivery/sessions.ts';
import type { Feed } from '../source/feed.ts';
import type { Certificate } from '../transports/certificate.ts';
import type { Lobby } from '../transports/lobby.ts';
import type { UsageWriter } from '../usage/writer.ts';

/** The parts of a running edge node, as its metrics and its status look at them. */
export interface EdgeView {
  readonly storeName: string;
  readonly packetDurationMs: number;
  /** EDGE_LOG_BYTES. */
  readonly logMaxBytes: number;
  readonly store: Store;
  readonly feed: Feed;
  readonly channels: ChannelDirectory;
  readonly sessions: Sessions;
  readonly admission: Admission<Session, Connection>;
  readonly lobby: Lobby;
  /** Of 9111 and 9113, where they speak TLS. */
  readonly certificate: Certificate | undefined;
  readonly overload: Overload;
  readonly record: ConnectionRecord;
  readonly registrations: Registrations;
  readonly writer: UsageWriter;
  readonly load: LoadFactor;
  /** How full the node is, 0 to 1: this process, or all workers together. */
  readonly nodeLoad: () => number;
  readonly files: OpenFilesWatch;
  readonly loopDelay: LoopDelay;
  /** Log lines that nobody read in time. */
  readonly droppedLogLines: () => number;
  /** Announcements of this node that the store did not take. */
  readonly announcementFailures: () => number;
  readonly clock: Clock;
  /** Listening, and not draining. */
  readonly isAccepting: () => boolean;
}
