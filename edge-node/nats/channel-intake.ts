import type { ChannelId } from '../../shared/ids.ts';
import { BACKLOG_WAIT_MS } from '../../shared/limits.ts';
import type { DemandSink } from '../source/feed.ts';
import type { Arrival, Listening, NatsLink } from './nats-link.ts';
import type { Subjects } from './subjects.ts';

interface IntakeParts {
  readonly id: ChannelId;
  readonly link: NatsLink;
  readonly subjects: Subjects;
  readonly sink: DemandSink;
  /** Decodes a message, and gives its packets to the sink. */
  readonly decode: (message: Arrival) => void;
  /** What may wait for the end of a backlog. */
  readonly maxWaitingBytes: number;
  /** A backlog has come to its end, or was cut short. */
  readonly backlogOver: (isWhole: boolean) => void;
}

/** What came since the newest entry point is on its way; what comes now waits for its end. */
interface Backlog {
  readonly listening: Listening;
  readonly waiting: Arrival[];
  waitingBytes: number;
  timer: NodeJS.Timeout;
}

const NOTHING = Buffer.alloc(0);

/**
 * One channel that an edge node takes in from relays:
 *
 *     begin ─▶ backlog ──────────────────────────────────────▶ live ─▶ end
 *         │    its messages go on as they come, live ones wait   ▲
 *         └──────────────────────────────────────────────────────┘ where nobody begins at an entry point
 *
 * It listens to the channel before it asks for the backlog, so that nothing lies between: what both bring is a repeat.
 * A backlog that stops coming, or past which too much waits, is done without.
 */
export class ChannelIntake {
  readonly #parts: IntakeParts;
  readonly #live: Listening;
  #backlog: Backlog | undefined;
  /** Since when nobody watches the channel. */
  idleSinceMs: number | undefined;

  constructor(parts: IntakeParts, fromEntry: boolean) {
    this.#parts = parts;
    const { id, link, subjects } = parts;
    this.#live = link.listen(subjects.channel(id), (message) => this.#take(message));
    if (fromEntry && link.isConnected) this.#askForBacklog();
  }

  end(): void {
    this.#live.end();
    this.#endBacklog(false);
  }

  /** What a backlog has not brought by now will not come. */
  connectionLost(): void {
    this.#endBacklog(false);
  }

  #take(message: Arrival): void {
    const backlog = this.#backlog;
    if (backlog === undefined) {
      this.#parts.decode(message);
      return;
    }
    backlog.waiting.push(message);
    backlog.waitingBytes += message.data.length;
    if (backlog.waitingBytes > this.#parts.maxWaitingBytes) this.#endBacklog(false);
  }

  #askForBacklog(): void {
    const { id, link, subjects, sink } = this.#parts;
    const inbox = link.newInbox();
    sink.backlogBegins(id);
    this.#backlog = {
      listening: link.listen(inbox, (message) => this.#takeOlder(message)),
      waiting: [],
      waitingBytes: 0,
      timer: setTimeout(() => this.#endBacklog(false), BACKLOG_WAIT_MS),
    };
    link.publish(subjects.backlog(id), NOTHING, inbox);
  }

  #takeOlder(message: Arrival): void {
    if (message.data.length === 0) this.#endBacklog(true);
    else if (this.#backlog !== undefined) {
      this.#backlog.timer.refresh();
      this.#parts.decode(message);
    }
  }

  #endBacklog(isWhole: boolean): void {
    const { id, decode, sink, backlogOver } = this.#parts;
    const backlog = this.#backlog;
    if (backlog === undefined) return;
    this.#backlog = undefined;
    clearTimeout(backlog.timer);
    backlog.listening.end();
    backlogOver(isWhole);
    sink.backlogEnded(id);
    for (const message of backlog.waiting) decode(message);
  }
}
