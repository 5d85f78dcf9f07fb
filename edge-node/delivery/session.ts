import type { Socket } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import type { CloseReason } from '../../shared/errors.ts';
import type { ChannelId, UserId } from '../../shared/ids.ts';
import {
  CLIENT_TALK_MAX_BYTES,
  HALF_CLOSED_IDLE_MS,
  REFUSAL_LINGER_MS,
} from '../../shared/limits.ts';
import type { Channel, Watcher } from '../channels/channel.ts';
import type { UsageTally } from '../usage/meter.ts';
import { LogCursor } from './log-cursor.ts';
import type { Turns } from './turns.ts';

interface SessionParts {
  readonly socket: Socket;
  readonly userId: UserId;
  readonly channelId: ChannelId;
  readonly startAt: 'live' | 'entry';
  readonly tally: UsageTally;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly stallMs: number;
  /** What the user had sent behind its request already. */
  readonly talkedBytes: number;
  /** Called once, when the socket is closed. */
  readonly onClosed: (session: Session, reason: CloseReason) => void;
}

/** The channel that is there now, the user's place in it, and whether a write is under way. */
interface Stream {
  readonly channel: Channel;
  readonly cursor: LogCursor;
  isWriting: boolean;
  writingSinceMs: number;
}

type Phase =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'streaming'; readonly stream: Stream }
  | { readonly kind: 'ending'; readonly reason: CloseReason; readonly stream: Stream | undefined }
  | { readonly kind: 'closed' };

/**
 * One user's connection from its request on, whatever transport brought it: at most one write is under way, of one
 * stretch of its channel's log.
 *
 *     begin
 *       ▼      the channel is there         ┌────┐ a run has closed: a stretch is written; once the kernel has
 *     waiting ───────────────────────▶ streaming ◀┘ taken it, it is counted, and a later turn writes the next
 *       │                                   │
 *       │   reset by us or by the peer, or shut down: for one reason, the first
 *       └─────────────────┬─────────────────┘
 *                         ▼
 *                      ending    what the kernel has taken is counted still
 *                         │ the socket is closed
 *                         ▼
 *                      closed    the usage is due, and onClosed called, once
 */
export class Session implements Watcher {
  readonly userId: UserId;
  readonly channelId: ChannelId;
  readonly sinceMs: number;
  readonly #parts: SessionParts;
  readonly #socket: Socket;
  #phase: Phase = { kind: 'waiting' };
  /** When the kernel last took a write; at first when the session began. */
  #deliveredMs: number;
  /** When the user sent FIN, if it did. */
  #halfClosedMs: number | undefined;
  #talkedBytes: number;
  /** Packets taken by the kernel that count as watched, and packets left out. */
  watchedPackets = 0;
  skippedPackets = 0;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#socket = parts.socket;
    this.userId = parts.userId;
    this.channelId = parts.channelId;
    this.#talkedBytes = parts.talkedBytes;
    this.sinceMs = parts.clock.monotonicMs();
    this.#deliveredMs = this.sinceMs;
    const { socket } = parts;
    socket.on('data', (chunk) => this.#heard(chunk.length));
    // A paused socket with nothing left to read ends all the same: maybe before there was a session to hear it.
    if (socket.readableEnded) this.#halfClosedMs = this.sinceMs;
    socket.on('end', () => {
      this.#halfClosedMs = parts.clock.monotonicMs();
    });
    socket.on('error', () => {
      this.#end(this.#halfClosedMs === undefined ? 'client_reset' : 'client_closed');
    });
    socket.on('close', () => this.#closed());
    socket.resume();
  }

  /** Packets that the channel has and the user was not sent yet. */
  get lagPackets(): number {
    return this.#phase.kind === 'streaming' ? this.#phase.stream.cursor.lagPackets : 0;
  }

  /** The user has sent FIN and was sent nothing since: most likely it has gone. */
  get isAbandoned(): boolean {
    return (
      this.#isOpen && this.#halfClosedMs !== undefined && this.#deliveredMs <= this.#halfClosedMs
    );
  }

  attach(channel: Channel): void {
    if (this.#phase.kind !== 'waiting') return;
    const { startAt, turns } = this.#parts;
    const start = startAt === 'live' ? channel.log.live : channel.log.newestEntry;
    const cursor = new LogCursor(channel.log, start);
    const stream = { channel, cursor, isWriting: false, writingSinceMs: 0 };
    this.#phase = { kind: 'streaming', stream };
    if (startAt === 'entry') turns.behind(this);
  }

  advance(): void {
    if (this.#phase.kind !== 'streaming' || this.#phase.stream.isWriting) return;
    const { stream } = this.#phase;
    const { cursor } = stream;
    const skipped = cursor.skippedPackets;
    const first = cursor.next();
    if (cursor.skippedPackets > skipped) this.#skipped(cursor.skippedPackets - skipped, stream);
    if (first === undefined) return;
    stream.isWriting = true;
    stream.writingSinceMs = this.#parts.clock.monotonicMs();
    const second = cursor.next();
    if (second !== undefined) this.#writeSeveral(cursor, first, second);
    // A write of no bytes (payloads may be empty) never reaches the kernel: it is done at once.
    else if (cursor.bytes === 0) process.nextTick(this.#onWritten);
    else this.#socket.write(first, this.#onWritten);
  }

  /** Closes users who are gone or stuck. Call it every second. */
  sweep(nowMs: number): void {
    if (this.#isStalled(nowMs)) this.reset('stalled');
    else if (this.#isHalfClosedIdle(nowMs)) this.reset('half_closed_idle');
  }

  /** Ends the connection at once. */
  reset(reason: CloseReason): void {
    this.#end(reason);
    this.#socket.resetAndDestroy();
  }

  /** Ends the connection cleanly, once the write under way is done. */
  shutDown(): void {
    if (!this.#isOpen) return;
    this.#end('shutdown');
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), REFUSAL_LINGER_MS).unref();
  }

  get #isOpen(): boolean {
    return this.#phase.kind === 'waiting' || this.#phase.kind === 'streaming';
  }

  #isStalled(nowMs: number): boolean {
    if (this.#phase.kind !== 'streaming') return false;
    const { isWriting, writingSinceMs } = this.#phase.stream;
    return isWriting && nowMs - writingSinceMs >= this.#parts.stallMs;
  }

  #isHalfClosedIdle(nowMs: number): boolean {
    if (this.#halfClosedMs === undefined || !this.#isOpen) return false;
    return nowMs - Math.max(this.#deliveredMs, this.#halfClosedMs) >= HALF_CLOSED_IDLE_MS;
  }

  /** One write to the kernel of all that the stretch has room for. */
  #writeSeveral(cursor: LogCursor, first: Buffer, second: Buffer): void {
    this.#socket.cork();
    this.#socket.write(first);
    let last = second;
    for (let next = cursor.next(); next !== undefined; next = cursor.next()) {
      this.#socket.write(last);
      last = next;
    }
    if (cursor.bytes === 0) process.nextTick(this.#onWritten);
    else this.#socket.write(last, this.#onWritten);
    this.#socket.uncork();
  }

  /** The write under way has ended; without an error the kernel has taken it. */
  readonly #onWritten = (error?: Error | null): void => {
    const phase = this.#phase;
    const stream = phase.kind === 'streaming' || phase.kind === 'ending' ? phase.stream : undefined;
    if (stream === undefined) return;
    const { channel, cursor } = stream;
    stream.isWriting = false;
    if (!error) {
      this.#deliveredMs = this.#parts.clock.monotonicMs();
      this.watchedPackets += cursor.watchedPackets;
      channel.delivered(cursor.packets, cursor.bytes);
      this.#parts.tally.add(cursor.watchedPackets);
    }
    cursor.endStretch();
    if (phase.kind === 'streaming' && cursor.isBehind) this.#parts.turns.behind(this);
  };

  #skipped(packets: number, { channel }: Stream): void {
    this.skippedPackets += packets;
    channel.skipped(packets);
  }

  #heard(bytes: number): void {
    this.#talkedBytes += bytes;
    if (this.#talkedBytes > CLIENT_TALK_MAX_BYTES) this.reset('client_talks');
  }

  /** The first reason to end is the one that counts. */
  #end(reason: CloseReason): void {
    const phase = this.#phase;
    if (phase.kind === 'waiting') this.#phase = { kind: 'ending', reason, stream: undefined };
    else if (phase.kind === 'streaming')
      this.#phase = { kind: 'ending', reason, stream: phase.stream };
  }

  #closed(): void {
    this.#end('client_closed');
    const reason = this.#phase.kind === 'ending' ? this.#phase.reason : 'client_closed';
    this.#phase = { kind: 'closed' };
    this.#parts.tally.close();
    this.#parts.onClosed(this, reason);
  }
}
