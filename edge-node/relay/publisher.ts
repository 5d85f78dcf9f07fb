import type { Clock } from '../../shared/clock.ts';
import { RELAY_CONFIRM_BYTES, RELAY_CONFIRM_MS, RELAY_WINDOW_BYTES } from '../../shared/limits.ts';
import type { LogLimiter } from '../../shared/logger.ts';
import type { Run } from '../channels/run.ts';
import type { NatsLink } from '../nats/nats-link.ts';

export interface Message {
  readonly subject: string;
  /** What it carries; nothing: it is empty. */
  readonly run: Run | undefined;
}

/** Its run is pinned for as long: a log that drops it leaves the bytes alone. */
interface Queued {
  readonly subject: string;
  readonly run: Run | undefined;
  readonly bytes: number;
  readonly sinceMs: number;
  wasSent: boolean;
}

const NOTHING = Buffer.alloc(0);

/** So many slots at the head are free before the others move up. */
const COMPACT_AT = 1_024;

interface PublisherParts {
  readonly link: Pick<NatsLink, 'isConnected' | 'publish' | 'confirmed' | 'onConnected'>;
  /** Names this relay in each message, as the subject of a reply that nobody gives. */
  readonly sender: string;
  /** Bound of all that waits or is not confirmed. */
  readonly maxBytes: number;
  /** Messages that have waited for longer are dropped. */
  readonly maxAgeMs: number;
  /** What is sent while nothing else waits. */
  readonly next: () => Message | undefined;
  readonly clock: Clock;
  readonly limiter: LogLimiter;
}

/**
 * Publishes messages in their order, no faster than the server confirms, and what a lost server had not confirmed once
 * more: twice is harmless at an edge node.
 *
 *        #head              #next
 *     ───┬──────────────────┬─────────────────┬
 *        │ sent, up to       │ waits: dropped  │
 *        │ RELAY_WINDOW_BYTES│ from here       │
 *     ───┴──────────────────┴─────────────────┴
 *
 * Invariants: from `#head` on nothing is confirmed; what lies there takes at most `maxBytes`. What has waited for
 * longer than REORDER_DEADLINE_MS goes: an edge node that has gone on has no use for it.
 */
export class Publisher {
  readonly #parts: PublisherParts;
  #messages: (Queued | undefined)[] = [];
  #head = 0;
  #next = 0;
  #sentBytes = 0;
  #waitingBytes = 0;
  /** Sent since the server was last asked to confirm. */
  #unaskedBytes = 0;
  /** Messages that ever left at the head. */
  #shifted = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Counts connections: what an older one confirms or refuses says nothing any more. */
  #life = 0;
  publishedMessages = 0;
  publishedPackets = 0;
  publishedBytes = 0;
  droppedMessages = 0;
  droppedPackets = 0;
  droppedBytes = 0;
  resentMessages = 0;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    parts.link.onConnected(() => this.#startAgain());
  }

  /** Bytes that wait for the server, sent or not. */
  get queuedBytes(): number {
    return this.#sentBytes + this.#waitingBytes;
  }

  /** Whether the server has confirmed all. */
  get isIdle(): boolean {
    return this.#head === this.#messages.length;
  }

  offer(subject: string, run: Run): void {
    this.#add({ subject, run });
    this.pump();
  }

  /** Sends what may be sent. */
  pump(): void {
    const { link, next, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    while (link.isConnected && this.#sentBytes < RELAY_WINDOW_BYTES) {
      this.#dropOld(nowMs);
      if (this.#next === this.#messages.length) {
        const message = next();
        if (message === undefined) return;
        this.#add(message);
      }
      if (!this.#send()) return;
    }
  }

  /** Drops what has waited for too long. Call it every second. */
  sweep(nowMs: number): void {
    if (!this.#parts.link.isConnected) this.#takeBack();
    this.#dropOld(nowMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #add({ subject, run }: Message): void {
    const { clock, maxBytes } = this.#parts;
    const bytes = run?.bytes.length ?? 0;
    if (run !== undefined) run.pins += 1;
    this.#messages.push({ subject, run, bytes, sinceMs: clock.monotonicMs(), wasSent: false });
    this.#waitingBytes += bytes;
    while (this.queuedBytes > maxBytes && this.#next < this.#messages.length - 1) {
      this.#dropNext('NATS is slow or away, and RELAY_QUEUE_BYTES are full');
    }
  }

  /** Leaves out, from `#next` on, what was dropped before or is too old. */
  #dropOld(nowMs: number): void {
    const oldestMs = nowMs - this.#parts.maxAgeMs;
    while (this.#next < this.#messages.length) {
      const message = this.#messages[this.#next];
      if (message !== undefined && message.sinceMs >= oldestMs) return;
      this.#dropNext('NATS is slow or away, and they have waited for too long');
    }
  }

  /** @returns whether the next message went to the server */
  #send(): boolean {
    const message = this.#messages[this.#next];
    if (message === undefined) return false;
    const { link, sender } = this.#parts;
    const { subject, run, bytes } = message;
    if (!link.publish(subject, run?.bytes ?? NOTHING, sender)) return false;
    this.#next += 1;
    this.#waitingBytes -= bytes;
    this.#sentBytes += bytes;
    if (message.wasSent) {
      this.resentMessages += 1;
    } else {
      message.wasSent = true;
      this.publishedMessages += 1;
      this.publishedPackets += run?.packets ?? 0;
      this.publishedBytes += bytes;
    }
    this.#unaskedBytes += bytes;
    if (this.#unaskedBytes >= RELAY_CONFIRM_BYTES) this.#ask();
    else this.#timer ??= setTimeout(() => this.#ask(), RELAY_CONFIRM_MS);
    return true;
  }

  /** Leaves the oldest that waits out. */
  #dropNext(reason: string): void {
    const message = this.#messages[this.#next];
    this.#letGoOf(this.#next);
    this.#next += 1;
    if (this.#next - 1 === this.#head) this.#shift();
    if (message === undefined) return;
    this.#waitingBytes -= message.bytes;
    if (message.wasSent) return;
    this.droppedMessages += 1;
    this.droppedPackets += message.run?.packets ?? 0;
    this.droppedBytes += message.bytes;
    this.#parts.limiter.warn('messages dropped', { reason, droppedBytes: this.droppedBytes });
  }

  /** Asks the server to confirm what it was sent so far. */
  #ask(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unaskedBytes = 0;
    const sent = this.#shifted + this.#next - this.#head;
    const life = this.#life;
    this.#parts.link.confirmed().then(
      () => {
        if (life === this.#life) this.#confirm(sent);
      },
      () => {}, // the connection is lost: all of it goes out again on the next one
    );
  }

  #confirm(sent: number): void {
    while (this.#shifted < sent) {
      this.#sentBytes -= this.#messages[this.#head]?.bytes ?? 0;
      this.#shift();
    }
    this.pump();
  }

  #letGoOf(at: number): void {
    const run = this.#messages[at]?.run;
    run?.owner.unpin(run.index);
    this.#messages[at] = undefined;
  }

  /** Lets go of the message at the head. */
  #shift(): void {
    this.#letGoOf(this.#head);
    this.#head += 1;
    this.#shifted += 1;
    if (this.#head < COMPACT_AT || 2 * this.#head < this.#messages.length) return;
    this.#messages = this.#messages.slice(this.#head);
    this.#next -= this.#head;
    this.#head = 0;
  }

  #startAgain(): void {
    this.#life += 1;
    this.#takeBack();
    this.pump();
  }

  /** What was sent and not confirmed waits again. */
  #takeBack(): void {
    this.#next = this.#head;
    this.#waitingBytes += this.#sentBytes;
    this.#sentBytes = 0;
  }
}
