import {
  ARRIVALS_FILES,
  ARRIVALS_MAX,
  ARRIVALS_SHARE,
  RESERVED_FILES,
} from '../../shared/limits.ts';
import { openFilesLimit } from '../../shared/open-files.ts';

/** What comes to each of two ports: who arrives, and who is told that it is refused. */
const CROWDS = 4;
/** The listeners, the source, the store, the spool, the operators. */
const OTHER_FILES = RESERVED_FILES - ARRIVALS_FILES;

/** How the files that the process may open are shared out. */
export interface FileShares {
  /** Users at once; at least 1. */
  readonly users: number;
  /** Connections of users' ports, with a session or without. */
  readonly connections: number;
  /** Of these, for each crowd without a session, however many users there are. */
  readonly crowd: number;
}

/** Connections without a session have a part of all files for themselves; users have what is left, up to MAX_USERS. */
export function fileShares(maxUsers: number, files = openFilesLimit()): FileShares {
  const connections = Math.max(1, files - OTHER_FILES);
  const part = Math.max(ARRIVALS_FILES, files * ARRIVALS_SHARE);
  const crowd = Math.min(ARRIVALS_MAX, Math.floor(part / CROWDS));
  const users = Math.max(1, Math.min(maxUsers, connections - CROWDS * crowd));
  return { users, connections, crowd };
}

/** The least limit of open files with which so many users have room. */
export function filesFor(users: number): number {
  const small = users + RESERVED_FILES;
  if (fileShares(users, small).users === users) return small;
  const most = users + OTHER_FILES + CROWDS * ARRIVALS_MAX;
  return Math.min(most, Math.ceil((users + OTHER_FILES) / (1 - ARRIVALS_SHARE)));
}
