import type { ChannelId } from '../../shared/ids.ts';
import { BACKLOG_WAIT_MS } from '../../shared/limits.ts';
import type { Sequence } from '../ordering/sequence.ts';
import type { DemandSink } from '../source/feed.ts';
import { type BacklogBeginning, decodeBeginning } from './backlog-beginning.ts';
import type { Arrival, Listening, NatsLink } from './nats-link.ts';
import { FROM_LIVE, Subjects } from './subjects.ts';

interface IntakeParts {
  readonly id: ChannelId;
  readonly link: NatsLink;
  readonly subjects: Subjects;
  readonly sink: DemandSink;
  /** The users who wait for it would begin at an entry point. */
  readonly fromEntry: boolean;
  /** Decodes a message, and gives its packets to the sink: those that do not lie before `first`, if there is one. */
  readonly decode: (message: Arrival, first?: Sequence) => void;
  /** What may wait for the end of a backlog. */
  readonly maxWaitingBytes: number;
  /** A backlog has come to its end, or was cut short. */
  readonly backlogOver: (isWhole: boolean) => void;
}

/** What is older than the subscription is on its way; what comes now waits for its end. */
interface Backlog {
  readonly listenings: readonly Listening[];
  beginning: BacklogBeginning | undefined;
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
 *         └──────────────────────────────────────────────────────┘ where there is no connection to ask by
 *
 * It listens to the channel before it asks for the backlog, so that nothing lies between: what both bring is a repeat.
 * Packets that came to the relay before it was asked, while others before them in order had not, are in the backlog: so
 * a stream that begins where the relay says has no gap but what was lost. A backlog that stops coming, or past which too
 * much waits, is done without.
 */
export class ChannelIntake {
  readonly #parts: IntakeParts;
  readonly #live: Listening;
  #backlog: Backlog | undefined;
  /** Nothing has come of it yet. */
  #isCold = true;
  /** Since when nobody watches the channel. */
  idleSinceMs: number | undefined;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    const { id, link, subjects } = parts;
    this.#live = link.listen(subjects.channel(id), (message) => this.#take(message));
    if (link.isConnected) this.#askForBacklog();
  }

  /** There is a connection again, or now at last. */
  connected(): void {
    if (this.#isCold && this.#backlog === undefined) this.#askForBacklog();
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
      this.#isCold = false;
      this.#parts.decode(message);
      return;
    }
    backlog.waiting.push(message);
    backlog.waitingBytes += message.data.length;
    if (backlog.waitingBytes > this.#parts.maxWaitingBytes) this.#endBacklog(false);
  }

  #askForBacklog(): void {
    const { id, link, subjects, sink, fromEntry } = this.#parts;
    const inbox = link.newInbox();
    sink.backlogBegins(id);
    this.#backlog = {
      listenings: [
        link.listen(Subjects.beginningOf(inbox), (message) => this.#takeBeginning(message)),
        link.listen(inbox, (message) => this.#takeOlder(message)),
      ],
      beginning: undefined,
      waiting: [],
      waitingBytes: 0,
      timer: setTimeout(() => this.#endBacklog(false), BACKLOG_WAIT_MS),
    };
    link.publish(subjects.backlog(id), fromEntry ? NOTHING : FROM_LIVE, inbox);
  }

  #takeBeginning({ data }: Arrival): void {
    const beginning = decodeBeginning(data);
    if (this.#backlog === undefined || beginning === undefined) return;
    this.#backlog.beginning = beginning;
    this.#parts.sink.beginsAt(this.#parts.id, beginning.first);
  }

  #takeOlder(message: Arrival): void {
    if (message.data.length === 0) this.#endBacklog(true);
    else if (this.#backlog !== undefined) {
      this.#backlog.timer.refresh();
      this.#isCold = false;
      this.#parts.decode(message, this.#backlog.beginning?.first);
    }
  }

  #endBacklog(isWhole: boolean): void {
    const { id, decode, sink, backlogOver } = this.#parts;
    const backlog = this.#backlog;
    if (backlog === undefined) return;
    this.#backlog = undefined;
    clearTimeout(backlog.timer);
    for (const listening of backlog.listenings) listening.end();
    backlogOver(isWhole);
    sink.backlogEnded(id, isWhole ? backlog.beginning?.ordered : undefined);
    if (backlog.waiting.length > 0) this.#isCold = false;
    for (const message of backlog.waiting) decode(message);
  }
}
