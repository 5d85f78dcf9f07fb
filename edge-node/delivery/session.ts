import type { Socket } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import type { CloseReason } from '../../shared/errors.ts';
import type { ChannelId, SessionId, UserId } from '../../shared/ids.ts';
import {
  CLIENT_TALK_MAX_BYTES,
  HALF_CLOSED_IDLE_MS,
  REFUSAL_LINGER_MS,
} from '../../shared/limits.ts';
import { resetPeer } from '../../shared/net/peer.ts';
import type { Occupant } from '../admission/who-makes-room.ts';
import type { Channel, Watcher } from '../channels/channel.ts';
import type { UsageTally } from '../usage/meter.ts';
import type { DelayHistogram } from './histogram.ts';
import { LogCursor } from './log-cursor.ts';
import { StretchWriter } from './stretch-writer.ts';
import type { Turns } from './turns.ts';

/** Where a user's stream begins: at the next packet, or at the newest place where a decoder can start. */
export type StartAt = 'live' | 'entry';

interface SessionParts {
  readonly id: SessionId;
  readonly socket: Socket;
  readonly userId: UserId;
  readonly channelId: ChannelId;
  readonly startAt: StartAt;
  readonly tally: UsageTally;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly stallMs: number;
  /** Counts how long packets took from their arrival until the kernel of the user's socket had them. */
  readonly deliveryDelay: DelayHistogram;
  readonly address: string;
  readonly client: string;
  /** What the user had sent behind its request already. */
  readonly talkedBytes: number;
  readonly events: SessionEvents;
}

/** What a session tells the holder of all sessions about itself. */
export interface SessionEvents {
  /** Its channel is there. */
  attached(session: Session): void;
  /** The user has sent FIN. */
  halfClosed(session: Session): void;
  /** The socket is closed: called once. */
  closed(session: Session, reason: CloseReason): void;
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
 *                      closed    the usage is due, and whoever holds the sessions is told, once
 */
export class Session implements Watcher, Occupant {
  readonly id: SessionId;
  readonly userId: UserId;
  readonly channelId: ChannelId;
  /** Where the user is. */
  readonly address: string;
  /** What the user's program calls itself; empty on 9111, where none says. */
  readonly client: string;
  readonly sinceMs: number;
  readonly #parts: SessionParts;
  readonly #socket: Socket;
  readonly #writer: StretchWriter;
  #phase: Phase = { kind: 'waiting' };
  /** When the kernel last took a write; at first when the session began. */
  #deliveredMs: number;
  /** When the user sent FIN, if it did. */
  #halfClosedMs: number | undefined;
  #talkedBytes: number;
  /** Packets taken by the kernel that count as watched, and packets skipped. */
  watchedPackets = 0;
  skippedPackets = 0;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#socket = parts.socket;
    this.#writer = new StretchWriter(parts.socket, (error) => this.#written(error));
    this.id = parts.id;
    this.userId = parts.userId;
    this.channelId = parts.channelId;
    this.address = parts.address;
    this.client = parts.client;
    this.#talkedBytes = parts.talkedBytes;
    this.sinceMs = parts.clock.monotonicMs();
    this.#deliveredMs = this.sinceMs;
    const { socket } = parts;
    socket.on('data', (chunk) => this.#heard(chunk.length));
    socket.on('end', () => this.#ended());
    socket.on('error', () => {
      this.#end(this.#halfClosedMs === undefined ? 'client_reset' : 'client_closed');
    });
    socket.on('close', () => this.#closed());
    socket.resume();
  }

  /**
   * To be called once whoever holds the sessions knows this one. A FIN that came before there was a session is noted
   * now: its `end` event has passed, since a paused socket with nothing left to read emits it, too.
   */
  begin(): void {
    if (this.#socket.readableEnded) this.#ended();
  }

  /** Packets that the channel has and the user was not sent yet. */
  get lagPackets(): number {
    return this.#phase.kind === 'streaming' ? this.#phase.stream.cursor.lagPackets : 0;
  }

  /** When the user sent FIN, if it was sent nothing since: most likely it has gone. */
  get abandonedSinceMs(): number | undefined {
    if (!this.#isOpen || this.#halfClosedMs === undefined) return undefined;
    return this.#deliveredMs <= this.#halfClosedMs ? this.#halfClosedMs : undefined;
  }

  /** Since when the write under way waits for the user's kernel to have room, if one is. */
  get writingSinceMs(): number | undefined {
    if (this.#phase.kind !== 'streaming' || !this.#phase.stream.isWriting) return undefined;
    return this.#phase.stream.writingSinceMs;
  }

  attach(channel: Channel): void {
    if (this.#phase.kind !== 'waiting') return;
    const { clock, startAt, turns } = this.#parts;
    const start =
      startAt === 'live' ? channel.log.live : channel.log.newestEntry(clock.monotonicMs());
    const cursor = new LogCursor(channel.log, start);
    const stream = { channel, cursor, isWriting: false, writingSinceMs: 0 };
    this.#phase = { kind: 'streaming', stream };
    this.#parts.events.attached(this);
    if (startAt === 'entry') turns.behind(this);
  }

  advance(nowMs: number): void {
    if (this.#phase.kind !== 'streaming' || this.#phase.stream.isWriting) return;
    const { stream } = this.#phase;
    const { cursor } = stream;
    const skipped = cursor.skippedPackets;
    const first = cursor.next(nowMs);
    if (cursor.skippedPackets > skipped) this.#skipped(cursor.skippedPackets - skipped, stream);
    if (first === undefined) return;
    stream.isWriting = true;
    stream.writingSinceMs = nowMs;
    this.#writer.write(first, cursor, nowMs);
  }

  letGoOf(run: number): void {
    if (this.#phase.kind === 'streaming' && this.#phase.stream.cursor.holds(run)) {
      this.reset('memory_short');
    } else if (this.#phase.kind === 'ending' && this.#phase.stream?.cursor.holds(run)) {
      this.reset(this.#phase.reason);
    }
  }

  /** Closes users who are gone or stuck. Call it every second. */
  sweep(nowMs: number): void {
    if (this.#isStalled(nowMs)) this.reset('stalled');
    else if (this.#isHalfClosedIdle(nowMs)) this.reset('half_closed_idle');
    else if (this.abandonedSinceMs !== undefined && this.writingSinceMs === undefined)
      this.#writer.probe();
  }

  /** Ends the connection at once, and only then the stretch of the write under way: what that holds is gone by it. */
  reset(reason: CloseReason): void {
    this.#end(reason);
    resetPeer(this.#socket);
    if (this.#phase.kind === 'ending') this.#phase.stream?.cursor.endStretch();
  }

  /** Ends the connection cleanly, once the write under way is done. */
  shutDown(reason: 'shutdown' | 'closed_by_operator' | 'unregistered'): void {
    if (!this.#isOpen) return;
    this.#end(reason);
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), REFUSAL_LINGER_MS).unref();
  }

  get #isOpen(): boolean {
    return this.#phase.kind === 'waiting' || this.#phase.kind === 'streaming';
  }

  #isStalled(nowMs: number): boolean {
    const sinceMs = this.writingSinceMs;
    return sinceMs !== undefined && nowMs - sinceMs >= this.#parts.stallMs;
  }

  #isHalfClosedIdle(nowMs: number): boolean {
    if (this.#halfClosedMs === undefined || !this.#isOpen) return false;
    return nowMs - Math.max(this.#deliveredMs, this.#halfClosedMs) >= HALF_CLOSED_IDLE_MS;
  }

  /** The write under way has ended; without an error the kernel has taken it. */
  #written(error: Error | null | undefined): void {
    const phase = this.#phase;
    const stream = phase.kind === 'streaming' || phase.kind === 'ending' ? phase.stream : undefined;
    if (stream === undefined) return;
    const { channel, cursor } = stream;
    stream.isWriting = false;
    if (!error) {
      this.#deliveredMs = this.#parts.clock.monotonicMs();
      this.watchedPackets += cursor.watchedPackets;
      channel.delivered(cursor.packets, cursor.bytes);
      // Packets from before the user came are old already: how long this node took to deliver does not show in them.
      if (cursor.watchedPackets === cursor.packets) {
        this.#parts.deliveryDelay.add(this.#deliveredMs - cursor.arrivedMs);
      }
      this.#parts.tally.add(cursor.watchedPackets);
    }
    cursor.endStretch();
    if (phase.kind === 'streaming' && cursor.isBehind) this.#parts.turns.behind(this);
  }

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

  #ended(): void {
    this.#halfClosedMs = this.#parts.clock.monotonicMs();
    this.#parts.events.halfClosed(this);
  }

  #closed(): void {
    this.#end('client_closed');
    const phase = this.#phase;
    if (phase.kind !== 'ending') return;
    phase.stream?.cursor.endStretch();
    this.#phase = { kind: 'closed' };
    this.#parts.tally.close();
    this.#parts.events.closed(this, phase.reason);
  }
}
