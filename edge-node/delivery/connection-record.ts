import {
  type CauseOf,
  CLOSE_REASONS,
  type CloseReason,
  REFUSAL_CAUSES,
  REFUSALS,
  type Refusal,
  type RefusalCause,
  type RefusalCode,
} from '../../shared/errors.ts';
import type { ChannelId, UserId } from '../../shared/ids.ts';
import type { Logger, LogLimiter } from '../../shared/logger.ts';
import type { Session } from './session.ts';
import { SessionLines } from './session-lines.ts';

/** Who was refused, as far as it has said. */
export interface Refused {
  readonly address: string;
  readonly user?: UserId;
  readonly channel?: ChannelId;
}

interface RecordParts {
  readonly packetDurationMs: number;
  readonly logger: Logger;
  readonly limiter: LogLimiter;
}

/** How many connections came and why they ended, over all transports: for the metrics, and for the log. */
export class ConnectionRecord {
  readonly #parts: RecordParts;
  readonly #lines: SessionLines;
  accepted = 0;
  readonly closes = new Map<CloseReason, number>();
  readonly refusals = new Map<RefusalCode, number>();
  /** Of playlists and the like, which are no connections of users. */
  readonly listRefusals = new Map<CauseOf<'bad_token'>, number>();
  readonly refusalCauses = new Map<RefusalCause, number>();

  constructor(parts: RecordParts) {
    this.#parts = parts;
    this.#lines = new SessionLines(parts.logger);
  }

  refused({ code, cause }: Refusal, who: Refused): void {
    count(this.refusals, code);
    if (cause !== undefined) count(this.refusalCauses, cause);
    this.closed('refused');
    const why = cause === undefined ? REFUSALS[code] : REFUSAL_CAUSES[cause].text;
    this.#parts.limiter.warn(`connection refused, ${code}: ${why}`, { code, cause, ...who });
  }

  /** A list of channels was asked for with a token that is not good for it. */
  listRefused(cause: CauseOf<'bad_token'>, who: Refused): void {
    count(this.listRefusals, cause);
    const message = `list of channels refused, bad_token: ${REFUSAL_CAUSES[cause].text}`;
    this.#parts.limiter.warn(message, { code: 'bad_token', cause, ...who });
  }

  /** A connection has ended before it had a session. */
  closed(reason: CloseReason): void {
    count(this.closes, reason);
  }

  /** A connection has ended before there was anything of its user's to read. */
  unopened({ reason, why }: { reason: CloseReason; why?: string }, address: string): void {
    this.closed(reason);
    if (why === undefined) return;
    this.#parts.limiter.warn(
      `connection not opened: ${CLOSE_REASONS[reason]}`,
      { address, why },
      reason,
    );
  }

  sessionEnded(session: Session, reason: CloseReason, nowMs: number): void {
    this.closed(reason);
    const { userId: user, channelId: channel, address } = session;
    const end = {
      user,
      channel,
      address,
      reason,
      seconds: (session.watchedPackets * this.#parts.packetDurationMs) / 1000,
      connectedSeconds: Math.round((nowMs - session.sinceMs) / 1000),
      skipped: session.skippedPackets,
    };
    this.#lines.ended(end, nowMs);
  }

  /** Call it every second. */
  tick(nowMs: number): void {
    this.#lines.tick(nowMs);
  }

  /** Call it before the process ends. */
  flush(): void {
    this.#lines.flush();
  }
}

function count<N>(counts: Map<N, number>, name: N): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
