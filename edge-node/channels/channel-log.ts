import { PACKET_OVERHEAD_BYTES, RUN_MAX_BYTES } from '../../shared/limits.ts';
import type { PacketView } from '../ordering/packet-view.ts';
import { firstIndex } from './binary-search.ts';
import { type Entries, type EntryPoint, EntryPoints } from './entry-points.ts';
import type { LogBudget } from './log-budget.ts';
import { Run, type RunLimits } from './run.ts';

export interface ChannelLogLimits {
  readonly maxBytes: number;
  readonly maxMs: number;
  /** An entry point older than this is not used: nobody starts there, and no run is kept for it. */
  readonly entryMaxAgeMs: number;
}

/**
 * A place in a log from which a user can be sent what follows: the run, an offset in it, and the ordinal of the first
 * packet that begins there or after it. Packets count from the log's first, for ever.
 */
export interface LogPosition {
  readonly run: number;
  readonly offset: number;
  readonly packet: number;
  /** What a decoder needs first: copies of the TS packets of the tables, or nothing. They count as no packet. */
  readonly tables: Buffer;
}

const NO_TABLES = Buffer.alloc(0);

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
  readonly #limits: ChannelLogLimits;
  readonly #runLimits: RunLimits;
  readonly #budget: LogBudget;
  readonly #entries: Entries;
  /** Closed runs, oldest first, from `#head` on. */
  #runs: (Run | undefined)[] = [];
  #head = 0;
  #open: Run | undefined;
  #bytes = 0;
  #nextRun = 0;
  #nextPacket = 0;
  #nextByte = 0;
  /** Room that the next run begins with: what runs of this channel have lately needed. */
  #runBytes = FIRST_RUN_BYTES;
  /** Dropped runs that writes still hold, by their index. */
  readonly #pinned = new Map<number, Run>();
  readonly #onCutOff: (run: number) => void;

  /** @param onCutOff is told the index of a dropped run whose users are to be cut off: its memory is needed */
  constructor(
    limits: ChannelLogLimits,
    runLimits: RunLimits,
    budget: LogBudget,
    onCutOff: (run: number) => void = () => {},
    entries: Entries = new EntryPoints(limits.entryMaxAgeMs),
  ) {
    this.#limits = limits;
    this.#entries = entries;
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

  /** Index of the run that holds the byte at this place of the stream, or will; undefined where it is gone. */
  runAt(byte: number): number | undefined {
    return byte === this.#nextByte ? this.#nextRun : this.#runOf(byte)?.index;
  }

  /** Where a user who wants only what comes from now on begins: the next run that opens. */
  get live(): LogPosition {
    return { run: this.#nextRun, offset: 0, packet: this.#nextPacket, tables: NO_TABLES };
  }

  /**
   * The newest place where a decoder can start that is not too old, or the live end where there is none. A key picture
   * that is still on its way is such a place only while there is no other: who starts there waits for the rest of it.
   */
  newestEntry(nowMs: number): LogPosition {
    const entries = this.#entries;
    if (!entries.isTransportStream) return this.#newestRunStart() ?? this.live;
    const whole = this.#placeOf(entries.newestWhole(nowMs));
    return whole ?? this.#placeOf(entries.newestBegun(nowMs)) ?? this.live;
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
    run.append(packet);
    this.#nextPacket += 1;
    this.#nextByte += payloadBytes;
    this.#entries.push(packet, nowMs);
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

  /** Drops the oldest runs while the log is too large or they are too old. */
  trim(nowMs: number): void {
    while (this.#bytes > this.#limits.maxBytes && this.#head < this.#runs.length) this.dropOldest();
    if (!this.#isOldestPast(nowMs)) return;
    const entry = this.newestEntry(nowMs).run;
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
    } else {
      oldest.release();
    }
    if (2 * this.#head > this.#runs.length) {
      this.#runs = this.#runs.slice(this.#head);
      this.#head = 0;
    }
  }

  /** A write that held a run (one of its `pins`) is over. */
  unpin(index: number): void {
    const run = this.closedRun(index) ?? this.#pinned.get(index);
    if (run === undefined) return;
    run.pins -= 1;
    if (run.pins > 0 || !this.#pinned.delete(index)) return;
    this.#budget.unpin(run);
    run.release();
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
    const place = {
      index: this.#nextRun,
      firstPacket: this.#nextPacket,
      firstByte: this.#nextByte,
    };
    const run = new Run(this, place, space, nowMs);
    this.#nextRun += 1;
    this.#open = run;
    this.#take(space);
    return run;
  }

  #take(bytes: number): void {
    this.#bytes += bytes;
    this.#budget.take(bytes);
  }

  /** Where an entry point lies in this log, if it still does. */
  #placeOf(entry: EntryPoint | undefined): LogPosition | undefined {
    if (entry === undefined) return undefined;
    const run = this.#runOf(entry.at);
    if (run === undefined) return undefined;
    const offset = entry.at - run.firstByte;
    return { run: run.index, offset, packet: run.packetFrom(offset), tables: entry.tables };
  }

  /** Where payloads are not MPEG-TS, every run's start is an entry point. */
  #newestRunStart(): LogPosition | undefined {
    const run = this.#open ?? this.#runs.at(-1);
    return run && { run: run.index, offset: 0, packet: run.firstPacket, tables: NO_TABLES };
  }

  /** The run that holds the byte at this place of the stream, if it is still there. */
  #runOf(byte: number): Run | undefined {
    if (this.#open !== undefined && byte >= this.#open.firstByte) return this.#open;
    const kept = this.#runs.length - this.#head;
    const after = firstIndex(kept, (at) => (this.#runs[this.#head + at]?.firstByte ?? 0) > byte);
    return after === 0 ? undefined : this.#runs[this.#head + after - 1];
  }
}
