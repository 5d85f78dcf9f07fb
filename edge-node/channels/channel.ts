import type { ChannelId } from '../../shared/ids.ts';
import { ReorderBuffer, type ReorderLimits, type ReorderOutput } from '../ingest/reorder-buffer.ts';
import { ChannelLog, type LogLimits, type RunLimits } from './channel-log.ts';
import type { LogBudget } from './log-budget.ts';

/** Who wants a channel's runs: a user's session. */
export interface Watcher {
  /** The channel that it waited for is there now; no packet of it has been handed on yet. */
  attach(channel: Channel): void;
  /** Runs may have closed. At most one write follows per call. */
  advance(): void;
}

/** What a channel tells the timers and the delivery about itself. */
export interface ChannelEvents {
  runOpened(channel: Channel): void;
  /** Runs have closed: watchers are to advance, within this turn of the event loop. */
  runsClosed(channel: Channel): void;
  /** The reorder buffer keeps packets: `expire` is to be called at `dueMs`. */
  packetsWait(channel: Channel): void;
}

interface ChannelParts {
  readonly id: ChannelId;
  readonly reorder: ReorderLimits;
  readonly log: LogLimits;
  readonly run: RunLimits;
  readonly budget: LogBudget;
  readonly events: ChannelEvents;
  readonly nowMs: number;
}

/** One channel: its packets' order, its log, and who watches it. Time is monotonic milliseconds. */
export class Channel implements ReorderOutput {
  readonly id: ChannelId;
  readonly log: ChannelLog;
  readonly watchers = new Set<Watcher>();
  readonly sinceMs: number;
  /** Sums over all its users, ever. */
  deliveredPackets = 0;
  deliveredBytes = 0;
  skippedPackets = 0;
  /** Packets received in the last second. */
  packetsPerSecond = 0;
  /** When a packet last came or a watcher last left. */
  usedMs: number;
  readonly #reorder: ReorderBuffer;
  readonly #budget: LogBudget;
  readonly #events: ChannelEvents;
  #heldBytes = 0;
  #nowMs: number;
  #measuredMs: number;
  #measuredPackets = 0;

  constructor({ id, reorder, log, run, budget, events, nowMs }: ChannelParts) {
    this.id = id;
    this.log = new ChannelLog(log, run, budget);
    this.sinceMs = nowMs;
    this.usedMs = nowMs;
    this.#reorder = new ReorderBuffer(reorder, this);
    this.#budget = budget;
    this.#events = events;
    this.#nowMs = nowMs;
    this.#measuredMs = nowMs;
  }

  get counters() {
    return this.#reorder.counters;
  }

  get heldPackets(): number {
    return this.#reorder.heldPackets;
  }

  get dueMs(): number {
    return this.#reorder.dueMs;
  }

  push(high: number, low: number, bytes: Buffer, start: number, end: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.usedMs = nowMs;
    this.#reorder.push(high, low, bytes, start, end, nowMs);
    this.#settleAccount();
  }

  /** Gives up gaps that have waited too long. */
  expire(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#reorder.expire(nowMs);
    this.#settleAccount();
  }

  sourceConnected(): void {
    this.#reorder.sourceConnected();
  }

  /** Takes the next payload in order, from the reorder buffer. */
  deliver(bytes: Buffer, start: number, end: number): void {
    const opens = this.log.openedMs === undefined;
    if (this.log.append(bytes, start, end, this.#nowMs)) this.#events.runsClosed(this);
    else if (opens) this.#events.runOpened(this);
  }

  /** The open run has waited long enough. */
  closeRun(nowMs: number): void {
    this.log.closeRun(nowMs);
    this.#events.runsClosed(this);
  }

  /** Lets old runs go and measures the rate. Call it every second. */
  sweep(nowMs: number): void {
    this.log.trim(nowMs);
    const { received } = this.counters;
    const seconds = (nowMs - this.#measuredMs) / 1000;
    if (seconds > 0) this.packetsPerSecond = (received - this.#measuredPackets) / seconds;
    this.#measuredPackets = received;
    this.#measuredMs = nowMs;
  }

  /** Gives all memory back; the channel is forgotten. */
  clear(nowMs: number): void {
    this.#reorder.giveUpGaps();
    this.log.clear(nowMs);
    this.#budget.take(-this.#heldBytes);
    this.#heldBytes = 0;
  }

  #settleAccount(): void {
    this.#accountHeld();
    if (this.#budget.isExceeded) this.#relieve();
    if (this.#heldBytes > 0) this.#events.packetsWait(this);
  }

  #accountHeld(): void {
    const heldBytes = this.#reorder.heldBytes;
    if (heldBytes === this.#heldBytes) return;
    this.#budget.take(heldBytes - this.#heldBytes);
    this.#heldBytes = heldBytes;
  }

  /** Frees the oldest runs of all channels; where no run is left, the packets held here. */
  #relieve(): void {
    while (this.#budget.isExceeded && this.#budget.oldest) this.#budget.oldest.log.dropOldest();
    if (!this.#budget.isExceeded) return;
    this.#reorder.giveUpGaps();
    this.#accountHeld();
  }
}
