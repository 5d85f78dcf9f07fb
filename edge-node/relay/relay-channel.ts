import type { ChannelId } from '../../shared/ids.ts';
import { ChannelLog, type ChannelLogLimits } from '../channels/channel-log.ts';
import type { SourceChannel } from '../channels/channel-table.ts';
import type { Lingering } from '../channels/channel-timers.ts';
import type { LogBudget } from '../channels/log-budget.ts';
import type { Run, RunLimits } from '../channels/run.ts';
import type { BacklogBeginning } from '../nats/backlog-beginning.ts';
import type { ChannelRate } from '../nats/directory-message.ts';
import type { MergedSources } from '../ordering/merging/merged-sources.ts';
import { PacketView } from '../ordering/packet-view.ts';
import type { ReorderLimits } from '../ordering/reorder-contract.ts';
import { HEADER_BYTES } from '../source/packet.ts';
import { WireEntries } from './wire-entries.ts';

interface ChannelParts {
  readonly id: ChannelId;
  readonly subject: string;
  readonly log: ChannelLogLimits;
  readonly reorder: ReorderLimits;
  readonly run: RunLimits;
  readonly budget: LogBudget;
  /** The sources whose packets are merged; undefined where there is but one. */
  readonly sources: MergedSources | undefined;
  /** Takes a run that has closed: whole packets, which nobody changes any more. */
  readonly publish: (channel: RelayChannel, run: Run) => void;
  readonly nowMs: number;
}

interface Backlog {
  readonly run: number;
  readonly beginning: BacklogBeginning | undefined;
}

/**
 * One channel of a relay: a log of packets as they came, header and all. A run of it is a message: it is published as
 * it closes, and kept as backlog for newcomers as long as the log keeps it.
 */
export class RelayChannel implements Lingering, SourceChannel {
  readonly id: ChannelId;
  readonly subject: string;
  readonly log: ChannelLog;
  /** The keys in headers that lead here, one for each way in which the source has padded the id. */
  readonly keys = new Set<number>();
  readonly #entries: WireEntries;
  readonly #budget: LogBudget;
  readonly #publish: ChannelParts['publish'];
  readonly #wire = new PacketView();
  /** Index of the run that is published next. */
  #nextRun = 0;
  #heldBytes = 0;
  /** Of what it publishes: each packet once, however many sources bring it. */
  packets = 0;
  bytes = 0;
  #usedMs: number;
  rate: ChannelRate = { packetsPerSecond: 0, bytesPerSecond: 0 };
  #measuredMs: number;
  #measuredPackets = 0;
  #measuredBytes = 0;

  constructor(parts: ChannelParts) {
    const { id, subject, log, reorder, run, budget, publish, nowMs } = parts;
    this.id = id;
    this.subject = subject;
    this.#entries = new WireEntries(reorder, log.entryMaxAgeMs, parts.sources);
    this.log = new ChannelLog(log, run, budget, undefined, this.#entries);
    this.#budget = budget;
    this.#publish = publish;
    this.#usedMs = nowMs;
    this.#measuredMs = nowMs;
  }

  get lingersFromMs(): number | undefined {
    return this.log.openedMs;
  }

  /** @returns whether a run has opened that waits for more */
  push(packet: PacketView): boolean {
    const { bytes, start, end, high, low, arrivedMs } = packet;
    this.#usedMs = arrivedMs;
    const goesOn = this.#entries.take(packet);
    this.#accountHeld();
    if (!goesOn) return false;
    const wire = this.#wire;
    if (wire.bytes !== bytes) wire.bytes = bytes;
    wire.start = start - HEADER_BYTES;
    wire.end = end;
    wire.high = high;
    wire.low = low;
    this.packets += 1;
    this.bytes += end - wire.start;
    const wasOpen = this.log.openedMs !== undefined;
    const hasClosed = this.log.append(wire, arrivedMs);
    if (hasClosed) this.#publishClosed();
    return this.log.openedMs !== undefined && (hasClosed || !wasOpen);
  }

  closeRun(nowMs: number): void {
    this.log.closeRun(nowMs);
    this.#publishClosed();
  }

  /**
   * What a newcomer is sent: from the newest entry point on, if the log has one and `fromEntry`, else what is not in
   * order yet. The index of its first run, and what is known of its order. Of closed runs alone: what is told to be in
   * order would else come behind the backlog, where it is given up.
   */
  backlog(nowMs: number, fromEntry: boolean): Backlog {
    this.#catchUp(nowMs);
    this.closeRun(nowMs);
    const { at, first } = this.#entries.backlogStart(nowMs, fromEntry);
    const run = this.log.runAt(at);
    if (run === undefined) {
      return fromEntry
        ? this.backlog(nowMs, false)
        : { run: this.log.firstRun, beginning: undefined };
    }
    const { ordered } = this.#entries;
    return { run, beginning: first && ordered && { first, ordered } };
  }

  sourceConnected(source: number, nowMs: number): void {
    this.#entries.sourceConnected(source, nowMs);
  }

  takeDisagreeing(): readonly number[] {
    return this.#entries.takeDisagreeing();
  }

  /** Memory of what waits out of order, to be looked into. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  handOnHeld(): void {
    this.#entries.handOnHeld();
    this.#accountHeld();
  }

  /** For how long no packet has come. */
  idleMs(nowMs: number): number {
    return nowMs - this.#usedMs;
  }

  /** Lets old runs go and measures the rate. Call it every second. */
  sweep(nowMs: number): void {
    this.#catchUp(nowMs);
    this.log.trim(nowMs);
    const seconds = (nowMs - this.#measuredMs) / 1000;
    if (seconds <= 0) return;
    this.rate = {
      packetsPerSecond: (this.packets - this.#measuredPackets) / seconds,
      bytesPerSecond: (this.bytes - this.#measuredBytes) / seconds,
    };
    this.#measuredMs = nowMs;
    this.#measuredPackets = this.packets;
    this.#measuredBytes = this.bytes;
  }

  /** Gives all memory back; the channel is forgotten. */
  clear(nowMs: number): void {
    this.handOnHeld();
    this.closeRun(nowMs);
    this.log.clear(nowMs);
  }

  #publishClosed(): void {
    for (; this.#nextRun < this.log.endRun; this.#nextRun += 1) {
      const run = this.log.closedRun(this.#nextRun);
      if (run !== undefined) this.#publish(this, run);
    }
  }

  #catchUp(nowMs: number): void {
    this.#entries.catchUp(nowMs);
    this.#accountHeld();
  }

  #accountHeld(): void {
    const { heldBytes } = this.#entries;
    if (heldBytes === this.#heldBytes) return;
    this.#budget.hold(heldBytes - this.#heldBytes);
    this.#heldBytes = heldBytes;
  }
}
