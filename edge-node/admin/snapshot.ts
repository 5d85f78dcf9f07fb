/**
 * What an edge node tells its operators: `GET /status` whole, `GET /events` each second a page at a time. Types alone,
 * for the operators' page and the command line read them, too. docs/operations.md describes it.
 *
 * Every figure of the node is a sum, a greatest or a state, so that the documents of several processes can be merged.
 */
export interface NodeStatus {
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly accepting: boolean;
  readonly loadFactor: number;
  /** Part of the event loop's time that delivery takes. */
  readonly deliveryShare: number;
  /** All sources as one: connected while one of them is. */
  readonly source: SourceStatus;
  readonly sources: readonly EachSourceStatus[];
  readonly store: {
    readonly name: string;
    readonly answers: boolean;
    readonly usage: UsageStats;
  };
  readonly memory: {
    readonly logBytes: number;
    /** EDGE_LOG_BYTES. */
    readonly logMaxBytes: number;
    readonly rssBytes: number;
  };
  readonly usersTotal: number;
  readonly usersMax: number;
  /** Of them those whose channel is not there. */
  readonly usersWaiting: number;
}

export interface EachSourceStatus extends SourceStatus {
  /** `host:port`. */
  readonly source: string;
  /** Of merged sources: packets that no other brought, that another had brought before, and that fit no other's. */
  readonly only?: number;
  readonly duplicates?: number;
  readonly disagreeing?: number;
}

/** Rows of usage on their way to the store: counters since the start, and the present state. */
export interface UsageStats {
  readonly reachable: boolean;
  readonly pendingRows: number;
  readonly oldestPendingMs: number;
  readonly rowsSaved: number;
  readonly rowsRefused: number;
  readonly saveFailures: number;
  readonly rowsTooOld: number;
  readonly rowsWithoutRoom: number;
  /** Empty before the first. */
  readonly lastError: string;
  readonly spool: {
    /** Of this process. */
    readonly files: number;
    readonly health: { readonly kind: string; readonly reason?: string };
  };
}

export interface SourceStatus {
  readonly state: string;
  readonly reason?: string;
  readonly connections: number;
  readonly framingLost: number;
  readonly bytes: number;
  /** Since the newest packet. */
  readonly silentSeconds: number;
}

export interface ChannelStatus {
  readonly channel: string;
  readonly seconds: number;
  readonly packetsPerSecond: number;
  /** Billed seconds in a second; null while that is not known. */
  readonly secondsPerSecond: number | null;
  readonly billedWrongly?: true;
  readonly emptyShare: number;
  readonly received: number;
  readonly lost: number;
  readonly late: number;
  readonly stray: number;
  /** That another of several merged sources had brought before. */
  readonly duplicates: number;
  readonly jumps: number;
  readonly restarts: number;
  readonly held: number;
  readonly logBytes: number;
  readonly watchers: number;
  readonly deliveredPackets: number;
  readonly skippedPackets: number;
}

export interface SessionStatus {
  /** By which it can be closed. */
  readonly id: number;
  readonly user: string;
  readonly channel: string;
  readonly address: string;
  /** What the user's program calls itself; empty on 9111, where none says. */
  readonly client: string;
  readonly connectedSeconds: number;
  readonly seconds: number;
  readonly lagPackets: number;
  readonly skippedPackets: number;
}

/** `GET /status`. */
export interface EdgeStatus extends NodeStatus {
  readonly channels: readonly ChannelStatus[];
  /** The first thousand, or those of `?user=`. */
  readonly users: readonly SessionStatus[];
}

/** What the node did in one second. */
export interface Sample {
  /** When it ended, in milliseconds since the epoch. */
  readonly at: number;
  readonly users: number;
  /** From the source, and into the kernels of users. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Of one core, 0 to 1 and above. */
  readonly cpu: number;
  /** How late the event loop was at the worst. */
  readonly loopDelayMs: number;
}

/** Event `history` of `GET /events`: the first, with what was before. */
export interface History {
  readonly samples: readonly Sample[];
}

/** Part of a list, as it was asked for. */
export interface Page<Row> {
  readonly total: number;
  /** Of all those that the search fits. */
  readonly matched: number;
  /** Before the first row. */
  readonly offset: number;
  readonly rows: readonly Row[];
}

export interface ChannelRow extends ChannelStatus {
  /** Packets of each of the last seconds, the newest last. */
  readonly rates: readonly number[];
}

/** Event `snapshot` of `GET /events`. */
export interface Snapshot {
  readonly node: NodeStatus;
  readonly sample: Sample;
  readonly channels: Page<ChannelRow>;
  readonly users: Page<SessionStatus>;
}

/** `GET /users/{user}`: who watches what now, and when was watched. */
export interface UserReport {
  readonly user: string;
  /** When it was asked, in milliseconds since the epoch. */
  readonly at: number;
  readonly sessions: readonly SessionStatus[];
  /** As `GET /usage/{user}?by=hour` of functions has it. */
  readonly usage: {
    readonly sessions: Readonly<Record<string, number>>;
    readonly hours: readonly {
      readonly from: string;
      readonly sessions: Readonly<Record<string, number>>;
    }[];
  };
}

/** What a list may be sorted by. */
export type ChannelOrder =
  | 'channel'
  | 'packetsPerSecond'
  | 'watchers'
  | 'lost'
  | 'late'
  | 'skippedPackets';
export type UserOrder =
  | 'user'
  | 'channel'
  | 'address'
  | 'client'
  | 'connectedSeconds'
  | 'seconds'
  | 'lagPackets'
  | 'skippedPackets';
