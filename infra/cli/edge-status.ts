import { askJson } from './ask.ts';
import { CliError } from './cli-error.ts';

/** What is read of `GET /status` of an edge node. */
export interface EdgeStatus {
  readonly accepting: boolean;
  readonly loadFactor: number;
  readonly source: {
    readonly state: string;
    readonly reason?: string;
    readonly connections: number;
    readonly bytes: number;
  };
  readonly sources: readonly SourceStatus[];
  readonly store: {
    readonly name: string;
    readonly answers: boolean;
    readonly usage: { readonly pendingRows: number; readonly oldestPendingMs: number };
  };
  readonly memory: { readonly logBytes: number; readonly rssBytes: number };
  readonly channels: readonly ChannelStatus[];
  readonly usersTotal: number;
  readonly usersWaiting: number;
  readonly users: readonly UserStatus[];
}

export interface SourceStatus {
  /** `host:port`. */
  readonly source: string;
  readonly state: string;
  readonly reason?: string;
}

export interface ChannelStatus {
  readonly channel: string;
  readonly packetsPerSecond: number;
  /** Billed seconds in a second; null while that is not known. */
  readonly secondsPerSecond: number | null;
  readonly billedWrongly?: boolean;
  readonly received: number;
  readonly lost: number;
  readonly late: number;
  readonly watchers: number;
  readonly skippedPackets: number;
}

export interface UserStatus {
  readonly user: string;
  readonly channel: string;
  readonly connectedSeconds: number;
  readonly seconds: number;
  readonly lagPackets: number;
  readonly skippedPackets: number;
}

/** @throws CliError where no edge node answers there */
export async function edgeStatus(origin: string, stop?: AbortSignal): Promise<EdgeStatus> {
  const status = await askJson(`${origin}/status`, undefined, stop);
  if (isEdgeStatus(status)) return status;
  throw new CliError(`${origin} is not the admin port of an edge node (ADMIN_PORT)`);
}

function isEdgeStatus(status: unknown): status is EdgeStatus {
  const { channels, users, store } = Object(status);
  return Array.isArray(channels) && Array.isArray(users) && typeof store === 'object';
}
