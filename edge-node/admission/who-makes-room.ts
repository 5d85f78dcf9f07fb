import { GHOST_MS } from '../../shared/limits.ts';

/** A session, as far as the rule looks at it. Times are monotonic milliseconds. */
export interface Occupant {
  readonly sinceMs: number;
  /** Since when it waits for the write under way, if one is. */
  readonly writingSinceMs: number | undefined;
  /** When it sent FIN, if nothing was delivered since: most likely it has gone. */
  readonly abandonedSinceMs: number | undefined;
}

/**
 * Why a session makes room: it has sent FIN and was delivered nothing since (`abandoned`); its write waits, most likely
 * since its peer has vanished (`stuck`); it waits for a channel that is not there (`waiting`); or it is well, and the
 * oldest of its user (`oldest`).
 */
type LeaverKind = 'abandoned' | 'stuck' | 'waiting' | 'oldest';

/** The session that makes room. */
export interface Leaver<S> {
  readonly session: S;
  readonly kind: LeaverKind;
}

/**
 * Who makes room for a newcomer where a limit of all (MAX_USERS) or of an address is reached: whoever was abandoned
 * longest ago, for GHOST_MS or more; then, for one who comes to a live channel, whoever has waited longest for a channel
 * that is not there. Else nobody: the newcomer is refused.
 *
 * @param abandoned some that may be abandoned, among them all that are
 * @param waiting those who wait for a channel that is not there, longest first
 */
export function fromAll<S extends Occupant>(
  abandoned: Iterable<S>,
  waiting: Iterable<S>,
  isChannelLive: boolean,
  nowMs: number,
): Leaver<S> | undefined {
  const ghost = earliest(abandoned, (session) => session.abandonedSinceMs, nowMs - GHOST_MS);
  if (ghost !== undefined) return { session: ghost, kind: 'abandoned' };
  if (!isChannelLive) return undefined;
  for (const session of waiting) return { session, kind: 'waiting' };
  return undefined;
}

/**
 * Who of one user's sessions makes room for its next, at MAX_SESSIONS_PER_USER: one whose write has waited for GHOST_MS
 * (a phone that has changed networks leaves such), the longest first; then an abandoned one; then, `mayReplace`, the
 * oldest. Else nobody.
 */
export function fromUser<S extends Occupant>(
  sessions: Iterable<S>,
  mayReplace: boolean,
  nowMs: number,
): Leaver<S> | undefined {
  const all = [...sessions];
  const stuck = earliest(all, (session) => session.writingSinceMs, nowMs - GHOST_MS);
  if (stuck !== undefined) return { session: stuck, kind: 'stuck' };
  const abandoned = earliest(all, (session) => session.abandonedSinceMs, nowMs);
  if (abandoned !== undefined) return { session: abandoned, kind: 'abandoned' };
  const oldest = mayReplace ? earliest(all, (session) => session.sinceMs, nowMs) : undefined;
  return oldest && { session: oldest, kind: 'oldest' };
}

/** The first in time of those whose time is not past `latestMs`. */
function earliest<S>(
  sessions: Iterable<S>,
  timeOf: (session: S) => number | undefined,
  latestMs: number,
): S | undefined {
  let first: S | undefined;
  let firstMs = latestMs;
  for (const session of sessions) {
    const timeMs = timeOf(session);
    if (timeMs === undefined || timeMs > firstMs || (first && timeMs === firstMs)) continue;
    first = session;
    firstMs = timeMs;
  }
  return first;
}
