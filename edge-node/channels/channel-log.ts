import { PACKET_OVERHEAD_BYTES, RUN_MAX_BYTES } from '../../shared/limits.ts';
import { EntryPointFinder, NO_ENTRY } from '../mpeg-ts/mpeg-ts.ts';
import type { PacketView } from '../ordering/packet-view.ts';
import type { LogBudget } from './log-budget.ts';
import { Run } from './run.ts';
import type { RunLimits } from './run-limits.ts';

export interface LogLimits {
  readonly maxBytes: number;
  readonly maxMs: number;
}

/** A place in a log: a packet's ordinal, and where it lies. Packets count from the log's first, for ever. */
export interface LogPosition {
  readonly run: number;
  readonly offset: number;
  readonly packet: number;
}

/** Runs in a log begin small, and grow with what the channel sends. */
const FIRST_RUN_BYTES = 2_048;

/**
 * One channel's newest packets, as runs. Users are cursors into it; it knows none of them.
 *
 * Invariants: `runs` are closed, of consecutive indexes from `firstRun` on, and hold consecutive packets; the open
 * run, if any, comes next and holds at least one packet. Runs leave at the old end only: past `maxBytes`, past
 * `maxMs` unless from the newest entry point on, or when the budget of all channels is spent.
 */
export class ChannelLog {
  readonly #limits: LogLimits;
  readonly #runLimits: RunLimits;
  readonly #budget: LogBudget;
  readonly #finder = new EntryPointFinder();
  /** Closed runs, oldest first, from `#head` on. */
  #runs: (Run | undefined)[] = [];
  #head = 0;
  #open: Run | undefined;
  #bytes = 0;
  #nextRun = 0;
  #nextPacket = 0;
  /** Bytes that a run of this channel usually takes. */
  #runBytes = FIRST_RUN_BYTES;
  #isTransportStream = false;

  /** Dropped runs that writes still hold, by their index. */
  readonly #pinned = new Map<number, Run>();
  readonly #onCutOff: (run: number) => void;

  /** @param onCutOff is told the index of a dropped run whose users are to be cut off: its memory is needed */
  constructor(
    limits: LogLimits,
    runLimits: RunLimits,
    budget: LogBudget,
    onCutOff: (run: number) => void = () => {},
  ) {
    this.#limits = limits;
    this.#runLimits = runLimits;
    this.#budget = budget;
    this.#onCutOff = onCutOff;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Index of the oldest run kept, or of the next one where none is. */
  get firstRun(): number {
    return this.#runs[this.#head]?.index ?? this.#open?.index ?? this.#nextRun;
  }

  /** Ordinal of the packet that is appended next. */
  get nextPacket(): number {
    return this.#nextPacket;
  }

  get openedMs(): number | undefined {
    return this.#open?.openedMs;
  }

  /** Index after the newest closed run's. */
  get endRun(): number {
    return this.#open?.index ?? this.#nextRun;
  }

  /** A closed run, if it is (still, or already) there. */
  closedRun(index: number): Run | undefined {
    const oldest = this.#runs[this.#head];
    return oldest && this.#runs[this.#head + index - oldest.index];
  }

  /** Where a user who wants only what comes from now on begins: the next run that opens. */
  get live(): LogPosition {
    return { run: this.#nextRun, offset: 0, packet: this.#nextPacket };
  }

  /** The newest place where a decoder can start, or the live end where there is none. */
  get newestEntry(): LogPosition {
    return this.#entryPosition() ?? this.live;
  }

  /**
   * Copies a payload into the open run.
   * @returns whether a run closed
   */
  append(packet: PacketView, nowMs: number): boolean {
    const { payloadBytes } = packet;
    let closed = false;
    if (this.#open !== undefined && !this.#open.hasRoom(payloadBytes)) {
      this.#runBytes = Math.min(RUN_MAX_BYTES, 2 * this.#runBytes);
      this.closeRun(nowMs);
      closed = true;
    }
    const run = this.#open ?? this.#openRun(payloadBytes, nowMs);
    // Ordinal and offset in one number; an offset is always under RUN_MAX_BYTES.
    const position = this.#nextPacket * RUN_MAX_BYTES + run.usedBytes;
    this.#isTransportStream = this.#finder.push(packet.bytes, packet.start, packet.end, position);
    run.append(packet);
    this.#nextPacket += 1;
    this.#take(PACKET_OVERHEAD_BYTES);
    if (run.packets >= this.#runLimits.packets || run.isFull) {
      this.closeRun(nowMs);
      closed = true;
    }
    return closed;
  }

  /** Closes the open run, if there is one: users may have it now. */
  closeRun(nowMs: number): void {
    const run = this.#open;
    if (run === undefined) return;
    this.#open = undefined;
    run.close(nowMs);
    this.#runs.push(run);
    this.#budget.add(run);
    const roomy = run.usedBytes + (run.usedBytes >>> 2);
    const shrunk = this.#runBytes - (this.#runBytes >>> 3);
    this.#runBytes = Math.min(RUN_MAX_BYTES, Math.max(FIRST_RUN_BYTES, roomy, shrunk));
    this.trim(nowMs);
  }

  /** Drops what is too much or too old. */
  trim(nowMs: number): void {
    while (this.#bytes > this.#limits.maxBytes && this.#head < this.#runs.length) this.dropOldest();
    if (!this.#isOldestPast(nowMs)) return;
    const entry = this.newestEntry.run;
    while (this.#isOldestPast(nowMs) && this.firstRun < entry) this.dropOldest();
  }

  dropOldest(): void {
    const oldest = this.#runs[this.#head];
    if (oldest === undefined) return;
    this.#runs[this.#head] = undefined;
    this.#head += 1;
    this.#bytes -= oldest.costBytes;
    this.#budget.remove(oldest);
    if (oldest.pins > 0) {
      this.#pinned.set(oldest.index, oldest);
      this.#budget.pin(oldest);
    }
    if (2 * this.#head > this.#runs.length) {
      this.#runs = this.#runs.slice(this.#head);
      this.#head = 0;
    }
  }

  /** A write that held a run, by `pins`, is over. */
  unpin(index: number): void {
    const run = this.closedRun(index) ?? this.#pinned.get(index);
    if (run === undefined) return;
    run.pins -= 1;
    if (run.pins === 0 && this.#pinned.delete(index)) this.#budget.unpin(run);
  }

  cutOff(run: Run): void {
    this.#onCutOff(run.index);
  }

  /** Gives all memory back; the log is done. */
  clear(nowMs: number): void {
    this.closeRun(nowMs);
    while (this.#head < this.#runs.length) this.dropOldest();
  }

  #isOldestPast(nowMs: number): boolean {
    const oldest = this.#runs[this.#head];
    return oldest !== undefined && nowMs - oldest.closedMs > this.#limits.maxMs;
  }

  #openRun(payloadBytes: number, nowMs: number): Run {
    const space = Math.max(payloadBytes, this.#runBytes);
    const run = new Run(this, this.#nextRun, this.#nextPacket, space, nowMs);
    this.#nextRun += 1;
    this.#open = run;
    this.#take(space);
    return run;
  }

  #take(bytes: number): void {
    this.#bytes += bytes;
    this.#budget.take(bytes);
  }

  #entryPosition(): LogPosition | undefined {
    if (!this.#isTransportStream) return this.#newestRunStart();
    const { entry } = this.#finder;
    if (entry === NO_ENTRY) return undefined;
    const packet = Math.floor(entry / RUN_MAX_BYTES);
    const run = this.#runOf(packet);
    return run && { run: run.index, offset: entry % RUN_MAX_BYTES, packet };
  }

  /** Where payloads are not MPEG-TS, every run's start is an entry point. */
  #newestRunStart(): LogPosition | undefined {
    const run = this.#open ?? this.#runs.at(-1);
    return run && { run: run.index, offset: 0, packet: run.firstPacket };
  }

  #runOf(packet: number): Run | undefined {
    if (this.#open && packet >= this.#open.firstPacket) return this.#open;
    for (let at = this.#runs.length - 1; at >= this.#head; at -= 1) {
      const run = this.#runs[at];
      if (run && packet >= run.firstPacket) return run;
    }
    return undefined;
  }
}
