import type { Clock } from '../../shared/clock.ts';
import type { ChannelId } from '../../shared/ids.ts';
import { RELAY_LINGER_MS } from '../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../shared/logger.ts';
import type { ChannelLogLimits } from '../channels/channel-log.ts';
import { ChannelTable } from '../channels/channel-table.ts';
import { LingerTimer } from '../channels/channel-timers.ts';
import { LogBudget } from '../channels/log-budget.ts';
import { MemoryRelief } from '../channels/memory-relief.ts';
import { type Run, RunLimits } from '../channels/run.ts';
import type { Subjects } from '../nats/subjects.ts';
import type { MergedSources } from '../ordering/merging/merged-sources.ts';
import type { PacketView } from '../ordering/packet-view.ts';
import type { ReorderLimits } from '../ordering/reorder-contract.ts';
import type { FeedSink } from '../source/feed.ts';
import { RelayChannel } from './relay-channel.ts';

interface ChannelsParts {
  readonly maxChannels: number;
  /** Bound of all logs and held packets together. */
  readonly maxBytes: number;
  readonly log: ChannelLogLimits;
  readonly reorder: ReorderLimits;
  /** The names of the sources that bring packets at the same time, by their numbers. */
  readonly merged: readonly string[];
  readonly subjects: Subjects;
  readonly publish: (channel: RelayChannel, run: Run) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limiter: LogLimiter;
}

/** All channels of a relay, with the timer of their messages and the memory of their logs. */
export class RelayChannels implements FeedSink {
  readonly budget: LogBudget;
  readonly #parts: ChannelsParts;
  readonly #table: ChannelTable<RelayChannel>;
  // A message ends by its bytes or its time, whatever the number of its packets.
  readonly #run = new RunLimits(Number.POSITIVE_INFINITY, RELAY_LINGER_MS);
  readonly #linger: LingerTimer;
  readonly #relief: MemoryRelief;

  constructor(parts: ChannelsParts) {
    const { maxChannels, clock, limiter } = parts;
    this.#parts = parts;
    this.#table = new ChannelTable({
      maxChannels,
      create: (id, nowMs) => this.#create(id, nowMs),
      merged: parts.merged,
      clock,
      logger: parts.logger,
      limiter,
    });
    this.budget = new LogBudget(parts.maxBytes);
    this.#linger = new LingerTimer(clock, this.#run);
    this.#relief = new MemoryRelief(this.budget, this.#table);
  }

  /** Undefined where there is but one source at a time. */
  get merged(): MergedSources | undefined {
    return this.#table.merged;
  }

  get size(): number {
    return this.#table.size;
  }

  get badChannelPackets(): number {
    return this.#table.badChannelPackets;
  }

  get excessChannelPackets(): number {
    return this.#table.excessChannelPackets;
  }

  get all(): Iterable<RelayChannel> {
    return this.#table;
  }

  get(id: ChannelId): RelayChannel | undefined {
    return this.#table.get(id);
  }

  packet(key: number, packet: PacketView): boolean {
    const channel = this.#table.withKey(key) ?? this.#table.take(key, packet.arrivedMs);
    if (channel === 'bad id') return false;
    if (channel === 'no room') return true;
    if (channel.push(packet)) this.#linger.add(channel);
    if (this.budget.isExceeded) this.#relief.schedule();
    return true;
  }

  sourceConnected(source: number): void {
    this.#table.sourceConnected(source);
  }

  sourceLost(source: number): void {
    this.#table.sourceLost(source);
  }

  /** Lets old runs and forgotten channels go, in slices. Call it every second. */
  sweep(nowMs: number): Promise<void> {
    return this.#table.sweep(nowMs);
  }

  /** Publishes what has been gathered. No packet comes any more. */
  stop(): void {
    this.#linger.stop();
    this.#relief.stop();
    const nowMs = this.#parts.clock.monotonicMs();
    for (const channel of this.#table) channel.closeRun(nowMs);
  }

  #create(id: ChannelId, nowMs: number): RelayChannel {
    const { log, publish, reorder, subjects } = this.#parts;
    return new RelayChannel({
      id,
      subject: subjects.channel(id),
      log,
      reorder,
      run: this.#run,
      budget: this.budget,
      sources: this.#table.merged,
      publish,
      nowMs,
    });
  }
}
