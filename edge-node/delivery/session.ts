import type { Socket } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import type { CloseReason } from '../../shared/errors.ts';
import type { ChannelId, UserId } from '../../shared/ids.ts';
import {
  CLIENT_TALK_MAX_BYTES,
  HALF_CLOSED_IDLE_MS,
  REFUSAL_LINGER_MS,
  WRITE_MAX_BYTES,
} from '../../shared/limits.ts';
import type { Channel, Watcher } from '../channels/channel.ts';
import type { LogPosition } from '../channels/channel-log.ts';
import type { Run } from '../channels/run.ts';
import type { UsageTally } from '../usage/meter.ts';
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
  /** What the user had sent behind its line already. */
  readonly talkedBytes: number;
  /** Called once, when the socket is closed. */
  readonly onClosed: (session: Session, reason: CloseReason) => void;
}

const NEVER = Number.POSITIVE_INFINITY;

type Phase = 'streaming' | 'ending' | 'closed';

/**
 * One user's connection from its line on: a cursor into a channel's log, with at most one write under way.
 *
 * The cursor is `#run` and `#offset`, the next bytes to send, and `#packet`, the ordinal of the packet they begin
 * with. Invariant: packets before `#packet` were written, skipped and counted, or came before the user.
 */
export class Session implements Watcher {
  readonly userId: UserId;
  readonly channelId: ChannelId;
  readonly sinceMs: number;
  readonly #parts: SessionParts;
  readonly #socket: Socket;
  #channel: Channel | undefined;
  #phase: Phase = 'streaming';
  #reason: CloseReason | undefined;

  #run = 0;
  #offset = 0;
  #packet = 0;
  /** Packets from here on came after the user did: they count as watched. */
  #countFrom = 0;
  /** Packets of the write under way, in all and of those that count; 0 while none is. */
  #writingPackets = 0;
  #writingCounted = 0;
  #writingBytes = 0;
  #writing = false;
  #writingSinceMs = 0;

  #deliveredMs: number;
  #halfClosedMs = NEVER;
  #talkedBytes: number;
  /** Packets taken by the kernel, those of them that count as watched, and packets left out. */
  deliveredPackets = 0;
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
      this.#reason ??= this.#halfClosedMs === NEVER ? 'client_reset' : 'client_closed';
    });
    socket.on('close', () => this.#closed());
    socket.resume();
  }

  /** Packets that the channel has and the user was not sent yet. */
  get lagPackets(): number {
    return this.#channel === undefined ? 0 : this.#channel.log.nextPacket - this.#packet;
  }

  attach(channel: Channel): void {
    this.#channel = channel;
    this.#countFrom = channel.log.nextPacket;
    if (this.#parts.startAt === 'live') {
      this.#moveTo(channel.log.live);
    } else {
      this.#moveTo(channel.log.newestEntry);
      this.#parts.turns.behind(this);
    }
  }

  advance(): void {
    if (this.#writing || this.#phase !== 'streaming' || this.#channel === undefined) return;
    const { log } = this.#channel;
    if (this.#run < log.firstRun) this.#skipTo(log.newestEntry);
    const first = log.closedRun(this.#run);
    if (first === undefined) return;
    if (this.#offset === 0 && first.firstPacket > this.#packet) this.#startOf(first);
    const bytes = this.#offset === 0 ? first.bytes : first.bytes.subarray(this.#offset);
    const second = log.closedRun(this.#run + 1);
    if (second === undefined || bytes.length + second.bytes.length > WRITE_MAX_BYTES) {
      this.#beginWrite(first, bytes.length);
      this.#send(bytes);
    } else {
      this.#writeSeveral(bytes, second);
    }
  }

  /** The user has sent FIN and was sent nothing since: most likely it has gone. */
  get isAbandoned(): boolean {
    return (
      this.#phase === 'streaming' &&
      this.#deliveredMs <= this.#halfClosedMs &&
      this.#halfClosedMs !== NEVER
    );
  }

  /** Makes room for the user's next connection. */
  abandon(): void {
    this.#reset('client_closed');
  }

  /** Closes users who are gone or stuck. Call it every second. */
  sweep(nowMs: number): void {
    if (this.#writing && nowMs - this.#writingSinceMs >= this.#parts.stallMs) {
      this.#reset('stalled');
    } else if (nowMs - Math.max(this.#deliveredMs, this.#halfClosedMs) >= HALF_CLOSED_IDLE_MS) {
      this.#reset('half_closed_idle');
    }
  }

  /** Ends the connection cleanly, once the write under way is done. */
  shutDown(): void {
    if (this.#phase !== 'streaming') return;
    this.#reason ??= 'shutdown';
    this.#phase = 'ending';
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), REFUSAL_LINGER_MS).unref();
  }

  #writeSeveral(bytes: Buffer, second: Run): void {
    const log = second.log;
    this.#socket.cork();
    let last = second;
    let total = bytes.length + second.bytes.length;
    this.#socket.write(bytes);
    for (;;) {
      const next = log.closedRun(last.index + 1);
      if (next === undefined || total + next.bytes.length > WRITE_MAX_BYTES) break;
      this.#socket.write(last.bytes);
      last = next;
      total += next.bytes.length;
    }
    this.#beginWrite(last, total);
    this.#send(last.bytes);
    this.#socket.uncork();
  }

  /** Notes what a write up to the end of `last` hands over, and moves the cursor behind it. */
  #beginWrite(last: Run, bytes: number): void {
    const end = last.firstPacket + last.packets;
    this.#writing = true;
    this.#writingSinceMs = this.#parts.clock.monotonicMs();
    this.#writingBytes = bytes;
    this.#writingPackets = end - this.#packet;
    this.#writingCounted = Math.max(0, end - Math.max(this.#packet, this.#countFrom));
    this.#run = last.index + 1;
    this.#offset = 0;
    this.#packet = end;
  }

  #send(bytes: Buffer): void {
    // A write of no bytes (payloads may be empty) never reaches the kernel: it is done at once.
    if (this.#writingBytes === 0) process.nextTick(this.#onWritten);
    else this.#socket.write(bytes, this.#onWritten);
  }

  /** The kernel has taken the write. */
  readonly #onWritten = (error?: Error | null): void => {
    this.#writing = false;
    if (error || this.#phase === 'closed' || this.#channel === undefined) return;
    this.#deliveredMs = this.#parts.clock.monotonicMs();
    this.deliveredPackets += this.#writingPackets;
    this.watchedPackets += this.#writingCounted;
    this.#channel.deliveredPackets += this.#writingPackets;
    this.#channel.deliveredBytes += this.#writingBytes;
    this.#parts.tally.add(this.#writingCounted);
    if (this.#run < this.#channel.log.endRun) this.#parts.turns.behind(this);
  };

  #moveTo({ run, offset, packet }: LogPosition): void {
    this.#run = run;
    this.#offset = offset;
    this.#packet = packet;
  }

  /** The log has dropped what was next: goes on at a place where a decoder can. */
  #skipTo(position: LogPosition): void {
    this.#skip(position.packet - this.#packet);
    this.#moveTo(position);
  }

  /** The next run began later than was known when it was chosen: at its first packet. */
  #startOf(run: Run): void {
    if (this.deliveredPackets > 0 || this.skippedPackets > 0)
      this.#skip(run.firstPacket - this.#packet);
    this.#packet = run.firstPacket;
  }

  #skip(packets: number): void {
    this.skippedPackets += packets;
    if (this.#channel) this.#channel.skippedPackets += packets;
  }

  #heard(bytes: number): void {
    this.#talkedBytes += bytes;
    if (this.#talkedBytes > CLIENT_TALK_MAX_BYTES) this.#reset('client_talks');
  }

  #reset(reason: CloseReason): void {
    this.#reason ??= reason;
    this.#phase = 'ending';
    this.#socket.resetAndDestroy();
  }

  #closed(): void {
    this.#phase = 'closed';
    this.#parts.tally.close();
    this.#parts.onClosed(this, this.#reason ?? 'client_closed');
  }
}
