import type { ChannelId, UserId } from '../../shared/ids.ts';
import { MINUTE_MS, SESSION_LINES_A_MINUTE } from '../../shared/limits.ts';
import type { Logger } from '../../shared/logger.ts';

/** What the log says of a session's end. */
export interface SessionEnd {
  readonly user: UserId;
  readonly channel: ChannelId;
  readonly address: string;
  readonly reason: string;
  readonly seconds: number;
  readonly connectedSeconds: number;
  readonly skipped: number;
}

/** What one user's sessions came to that ended in this minute. */
interface UserMinute {
  lines: number;
  /** Of those that had no line of their own. */
  sessions: number;
  seconds: number;
  skipped: number;
}

/**
 * One line for each session's end; but of one user SESSION_LINES_A_MINUTE, and then one that sums up the others at the
 * end of the minute: a player that reconnects without end would fill the disk.
 */
export class SessionLines {
  readonly #logger: Logger;
  #minuteEndsMs = 0;
  readonly #ofUser = new Map<UserId, UserMinute>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  ended(end: SessionEnd, nowMs: number): void {
    this.tick(nowMs);
    const minute = this.#ofUser.get(end.user) ?? { lines: 0, sessions: 0, seconds: 0, skipped: 0 };
    this.#ofUser.set(end.user, minute);
    if (minute.lines < SESSION_LINES_A_MINUTE) {
      minute.lines += 1;
      this.#logger.info(end, 'session ended');
    } else {
      minute.sessions += 1;
      minute.seconds += end.seconds;
      minute.skipped += end.skipped;
    }
  }

  /** Sums up the minute once it is over. Call it every second. */
  tick(nowMs: number): void {
    if (nowMs < this.#minuteEndsMs) return;
    this.flush();
    this.#minuteEndsMs = nowMs + MINUTE_MS;
  }

  /** Sums up what has no line yet; call it before the process ends. */
  flush(): void {
    for (const [user, { sessions, seconds, skipped }] of this.#ofUser) {
      if (sessions > 0) this.#logger.info({ user, sessions, seconds, skipped }, 'sessions ended');
    }
    this.#ofUser.clear();
  }
}
