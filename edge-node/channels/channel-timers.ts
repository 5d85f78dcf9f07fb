import type { Clock } from '../../shared/clock.ts';
import type { ReadMark, ReadProgress } from '../source/feed.ts';
import type { Channel } from './channel.ts';
import type { RunLimits } from './run.ts';

/** Whose runs linger. */
export interface Lingering {
  /** Since when the open run lingers, if it does. */
  readonly lingersFromMs: number | undefined;
  closeRun(nowMs: number): void;
}

/** Closes open runs when their linger ends. All linger equally long, so the order of adding is that of closing. */
export class LingerTimer {
  readonly #clock: Clock;
  readonly #limits: RunLimits;
  readonly #open = new Set<Lingering>();
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, limits: RunLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** The channel's open run lingers from now on. */
  add(channel: Lingering): void {
    this.#open.delete(channel);
    this.#open.add(channel);
    this.#timer ??= setTimeout(() => this.#closeDue(), this.#limits.lingerMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#open.clear();
  }

  #closeDue(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const channel of this.#open) {
      const { lingersFromMs } = channel;
      const leftMs =
        lingersFromMs === undefined ? 0 : lingersFromMs + this.#limits.lingerMs - nowMs;
      // Timers count whole milliseconds: less than one is not worth another turn.
      if (leftMs >= 1) {
        this.#timer = setTimeout(() => this.#closeDue(), leftMs);
        return;
      }
      this.#open.delete(channel);
      if (lingersFromMs !== undefined) channel.closeRun(nowMs);
    }
  }
}

/** How often, while any channel keeps packets, it is checked whether one has waited too long. */
const TICK_MS = 10;
/** A tick this late means that the event loop stood still: the socket filled up, and the source could not send. */
const HELD_UP_MS = 100;
/** The most time that the source is then given to send what it had to hold back. */
const GRACE_MAX_MS = 1_000;

/**
 * Tells channels when packets have waited too long. A missing packet is not lost if it waits unread in the socket, so a
 * channel whose time has come is told only once each source's socket has been read empty, or read past all that it can
 * have held at that time. After the event loop has stood still, the source first gets as long again (up to GRACE_MAX_MS), since
 * the full socket has stopped it, too.
 */
export class ReorderTimer {
  readonly #clock: Clock;
  readonly #progress: ReadProgress;
  readonly #waiting = new Set<Channel>();
  #timer: NodeJS.Timeout | undefined;
  #check: NodeJS.Immediate | undefined;
  #isGrace = false;

  constructor(clock: Clock, progress: ReadProgress) {
    this.#clock = clock;
    this.#progress = progress;
  }

  add(channel: Channel): void {
    this.#waiting.add(channel);
    if (this.#timer === undefined && this.#check === undefined)
      this.#tickBy(this.#clock.monotonicMs(), TICK_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#check);
    this.#waiting.clear();
  }

  #tick(plannedMs: number): void {
    this.#timer = undefined;
    const nowMs = this.#clock.monotonicMs();
    const lateMs = nowMs - plannedMs;
    this.#isGrace = lateMs >= HELD_UP_MS && !this.#isGrace;
    if (this.#isGrace) {
      this.#tickAt(nowMs, Math.min(lateMs, GRACE_MAX_MS));
      return;
    }
    let dueMs = Number.POSITIVE_INFINITY;
    for (const channel of this.#waiting) {
      if (channel.heldPackets === 0) this.#waiting.delete(channel);
      else dueMs = Math.min(dueMs, channel.dueMs);
    }
    if (dueMs <= nowMs) this.#expireOnceRead(nowMs, this.#progress.mark());
    else this.#tickBy(nowMs, dueMs - nowMs);
  }

  /** Immediates run right after the sockets were polled. */
  #expireOnceRead(nowMs: number, mark: ReadMark): void {
    this.#check = setImmediate(() => {
      if (!mark.isRead()) {
        this.#expireOnceRead(nowMs, mark);
        return;
      }
      for (const channel of this.#waiting) if (channel.dueMs <= nowMs) channel.expire(nowMs);
      this.#check = undefined;
      this.#tick(this.#clock.monotonicMs());
    });
  }

  /** With nothing due at any time no timer is set: the next packet that has to wait begins the ticking again. */
  #tickBy(nowMs: number, waitMs: number): void {
    if (Number.isFinite(waitMs)) this.#tickAt(nowMs, Math.min(waitMs, TICK_MS));
  }

  #tickAt(nowMs: number, waitMs: number): void {
    this.#timer = setTimeout(() => this.#tick(nowMs + waitMs), waitMs);
  }
}
