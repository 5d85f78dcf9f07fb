import { LOBBY_FILES, RESERVED_FILES, WATCH_FILES, WATCH_MAX_ASKING } from '../../shared/limits.ts';
import { openFilesLimit } from '../../shared/open-files.ts';

/** How the files that the process may open are shared out. */
export interface FileShares {
  /** Users at once; at least 1. */
  readonly users: number;
  /** Connections of 9111, with a session or without, and sessions of 9113. */
  readonly connections: number;
  /** Connections of 9113 that have no session yet. */
  readonly asking: number;
}

/**
 * Users have all but RESERVED_FILES, up to MAX_USERS. What they leave goes to connections that have no session; where
 * they leave nothing, these have their parts of RESERVED_FILES. So the shares never come to more than there is.
 */
export function fileShares(maxUsers: number, files = openFilesLimit()): FileShares {
  const users = Math.max(1, Math.min(maxUsers, files - RESERVED_FILES));
  const spare = Math.max(0, files - RESERVED_FILES - users);
  const asking = Math.min(WATCH_MAX_ASKING, WATCH_FILES + Math.floor(spare / 2));
  const connections = users + LOBBY_FILES + spare - (asking - WATCH_FILES);
  return { users, connections, asking };
}
