import type { ChannelId } from '../../shared/ids.ts';
import { BACKLOG_REQUESTS_MAX } from '../../shared/limits.ts';
import type { LogLimiter } from '../../shared/logger.ts';
import { encodeBeginning } from '../nats/backlog-beginning.ts';
import type { Arrival } from '../nats/nats-link.ts';
import { channelIdOfHex, FROM_LIVE, Subjects } from '../nats/subjects.ts';
import type { Message } from './publisher.ts';
import type { RelayChannel } from './relay-channel.ts';

/** Who asked for the backlog of a channel, and how much of it went out. */
interface Request {
  readonly reply: string;
  readonly channel: RelayChannel | undefined;
  /** Index of the run that goes out next. */
  run: number;
}

interface BacklogParts {
  readonly channelOf: (id: ChannelId) => RelayChannel | undefined;
  /** Sends at once what is told before a backlog. */
  readonly tell: (subject: string, data: Uint8Array) => void;
  /** There is something to send. */
  readonly ready: () => void;
  readonly nowMs: () => number;
  readonly limiter: LogLimiter;
}

/**
 * Answers edge nodes that ask for what came of a channel since its newest entry point, or for what is not in order yet,
 * one after the other: told first is from where on nothing is left out; then comes a run of the log in a message, what
 * closes meanwhile among them, and an empty message behind. Runs are sent as they lie in the log, so a request costs no
 * memory but its own.
 */
export class Backlogs {
  readonly #parts: BacklogParts;
  readonly #requests: Request[] = [];
  requests = 0;
  refused = 0;
  bytes = 0;

  constructor(parts: BacklogParts) {
    this.#parts = parts;
  }

  ask({ subject, reply, data }: Arrival): void {
    const { channelOf, tell, ready, nowMs, limiter } = this.#parts;
    if (!reply) return;
    this.requests += 1;
    if (this.#requests.length >= BACKLOG_REQUESTS_MAX) {
      this.refused += 1;
      limiter.warn('backlog refused: too many edge nodes ask at once');
      return;
    }
    const id = channelIdOfHex(subject.slice(subject.lastIndexOf('.') + 1));
    const channel = id === undefined ? undefined : channelOf(id);
    const backlog = channel?.backlog(nowMs(), !FROM_LIVE.equals(data));
    const beginning = backlog?.beginning;
    if (beginning !== undefined) tell(Subjects.beginningOf(reply), encodeBeginning(beginning));
    this.#requests.push({ reply, channel, run: backlog?.run ?? 0 });
    ready();
  }

  /** The next message of the oldest request. */
  next(): Message | undefined {
    const [request] = this.#requests;
    if (request === undefined) return undefined;
    const { reply, channel } = request;
    const index = Math.max(request.run, channel?.log.firstRun ?? 0);
    const run = channel?.log.closedRun(index);
    if (run === undefined) {
      this.#requests.shift();
      return { subject: reply, run: undefined };
    }
    request.run = index + 1;
    this.bytes += run.bytes.length;
    return { subject: reply, run };
  }
}
