import type { Clock } from '../../shared/clock.ts';
import type { ChannelId } from '../../shared/ids.ts';
import type { Logger, LogLimiter } from '../../shared/logger.ts';
import type { MergedSources } from '../ordering/merging/merged-sources.ts';
import type { PacketView } from '../ordering/packet-view.ts';
import type { ReorderLimits } from '../ordering/reorder-contract.ts';
import type { Sequence } from '../ordering/sequence.ts';
import type { Demand, DemandSink, ReadProgress } from '../source/feed.ts';
import { Channel, type ChannelEvents, type Watcher } from './channel.ts';
import type { ChannelLogLimits } from './channel-log.ts';
import { ChannelTable } from './channel-table.ts';
import { LingerTimer, ReorderTimer } from './channel-timers.ts';
import { LogBudget } from './log-budget.ts';
import { MemoryRelief } from './memory-relief.ts';
import { RunLimits } from './run.ts';

interface DirectoryParts {
  readonly maxChannels: number;
  /** Bound of all logs and held packets together. */
  readonly maxBytes: number;
  readonly reorder: ReorderLimits;
  readonly logLimits: ChannelLogLimits;
  /** Packets in a run, and its longest wait for them, while the node is idle. */
  readonly idleRun: { readonly packets: number; readonly lingerMs: number };
  readonly packetDurationMs: number;
  /** The names of the sources that bring packets at the same time, by their numbers, where there are several. */
  readonly merged: readonly string[] | undefined;
  readonly progress: ReadProgress;
  /** Told which channels are watched, where the feed brings those alone. */
  readonly demand?: Demand | undefined;
  /** Runs of a channel have closed: its watchers are to advance in the next round, and the channel is told of its end. */
  readonly runsClosed: (channel: Channel) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limiter: LogLimiter;
}

/**
 * All channels with their timers and their memory, and the users who wait for one that is not there. Only the source
 * creates channels. Takes the source's packets and gives each to its channel.
 */
export class ChannelDirectory implements DemandSink {
  readonly budget: LogBudget;
  readonly #table: ChannelTable<Channel>;
  readonly #waiting = new Map<ChannelId, Set<Watcher>>();
  /** Channels whose users wait for what is older than they are. */
  readonly #backlogs = new Set<ChannelId>();
  /** Where channels begin of which no packet has come yet. */
  readonly #beginnings = new Map<ChannelId, Sequence>();
  readonly #parts: DirectoryParts;
  readonly #run: RunLimits;
  readonly #linger: LingerTimer;
  readonly #reorder: ReorderTimer;
  readonly #relief: MemoryRelief;
  readonly #events: ChannelEvents;

  constructor(parts: DirectoryParts) {
    const { maxChannels, clock, idleRun, limiter, progress } = parts;
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
    this.#run = new RunLimits(idleRun.packets, idleRun.lingerMs);
    this.#linger = new LingerTimer(clock, this.#run);
    this.#reorder = new ReorderTimer(clock, progress);
    this.#relief = new MemoryRelief(this.budget, this.channels);
    this.#events = {
      runLingers: (channel) => this.#linger.add(channel),
      runsClosed: parts.runsClosed,
      memoryShort: () => this.#relief.schedule(),
      packetsWait: (channel) => this.#reorder.add(channel),
      secondsOff: ({ id, secondsRate }) => {
        const secondsPerSecond = Number(secondsRate.value?.toFixed(2));
        parts.logger.warn(
          { channel: id, secondsPerSecond, packetDurationMs: parts.packetDurationMs },
          'channel is billed wrongly: its packets do not last PACKET_DURATION_MS each',
        );
      },
    };
  }

  get channels(): Iterable<Channel> {
    return this.#table;
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

  /** The channels that there are, taken in or not. */
  get ids(): Iterable<ChannelId> {
    const { demand } = this.#parts;
    return demand === undefined ? this.#table.ids : new Set([...demand.ids, ...this.#table.ids]);
  }

  has(id: ChannelId): boolean {
    return this.#table.has(id) || this.#parts.demand?.has(id) === true;
  }

  packet(key: number, packet: PacketView): boolean {
    const channel = this.#table.withKey(key) ?? this.#take(key, packet.arrivedMs);
    if (channel === 'bad id') return false;
    if (channel === 'no room') return true;
    channel.push(packet);
    return true;
  }

  sourceConnected(source: number): void {
    this.#table.sourceConnected(source);
  }

  sourceLost(source: number): void {
    this.#table.sourceLost(source);
  }

  /**
   * Begins to watch. Without the channel the watcher waits, and is attached when it appears.
   * @param fromEntry the watcher would begin at an entry point
   */
  watch(id: ChannelId, watcher: Watcher, fromEntry = false): void {
    const channel = this.#table.get(id);
    const waiting = this.#waiting.get(id);
    const isFirst = waiting === undefined && (channel === undefined || channel.watchers.size === 0);
    if (channel !== undefined && !this.#backlogs.has(id)) {
      channel.watchers.add(watcher);
      watcher.attach(channel);
    } else if (waiting === undefined) this.#waiting.set(id, new Set([watcher]));
    else waiting.add(watcher);
    if (isFirst) this.#parts.demand?.want(id, fromEntry);
  }

  unwatch(id: ChannelId, watcher: Watcher, nowMs: number): void {
    const channel = this.#table.get(id);
    if (channel?.watchers.delete(watcher)) channel.usedMs = nowMs;
    const waiting = this.#waiting.get(id);
    if (waiting?.delete(watcher) && waiting.size === 0) this.#waiting.delete(id);
    const isWatched = this.#waiting.has(id) || (channel?.watchers.size ?? 0) > 0;
    if (!isWatched) this.#parts.demand?.unwant(id);
  }

  backlogBegins(id: ChannelId): void {
    this.#backlogs.add(id);
    this.#beginnings.delete(id);
  }

  beginsAt(id: ChannelId, first: Sequence): void {
    if (!this.#table.has(id)) this.#beginnings.set(id, first);
  }

  backlogEnded(id: ChannelId, ordered?: Sequence): void {
    this.#backlogs.delete(id);
    const channel = this.#table.get(id);
    if (channel === undefined) return;
    channel.settle(ordered);
    this.#attachWaiting(channel);
  }

  forget(id: ChannelId): void {
    this.#beginnings.delete(id);
    const channel = this.#table.get(id);
    if (channel !== undefined) this.#table.forget(channel, this.#parts.clock.monotonicMs());
  }

  /** Users who wait for a channel that is not there. */
  get waitingUsers(): number {
    let users = 0;
    for (const waiting of this.#waiting.values()) users += waiting.size;
    return users;
  }

  /**
   * Lets old runs go, and forgets channels that neither source nor users want any more, in slices between which the
   * sockets are polled. Call it every second; one that is still under way goes on alone.
   */
  sweep(nowMs: number): Promise<void> {
    return this.#table.sweep(nowMs);
  }

  /** From now on runs open that are so many times as large, and linger so many times as long, as on an idle node. */
  setLoad(factor: number): void {
    this.#run.setLoad(factor);
  }

  /** Closes no run and gives up no gap any more. */
  stop(): void {
    this.#linger.stop();
    this.#reorder.stop();
    this.#relief.stop();
  }

  /** A packet whose key leads to no channel yet. */
  #take(key: number, nowMs: number): Channel | 'bad id' | 'no room' {
    const channel = this.#table.take(key, nowMs);
    const isThere = typeof channel !== 'string';
    if (isThere && !this.#backlogs.has(channel.id)) this.#attachWaiting(channel);
    return channel;
  }

  #create(id: ChannelId, nowMs: number): Channel {
    const first = this.#beginnings.get(id);
    this.#beginnings.delete(id);
    return new Channel({
      id,
      first,
      reorder: this.#parts.reorder,
      log: this.#parts.logLimits,
      run: this.#run,
      budget: this.budget,
      sources: this.#table.merged,
      packetDurationMs: this.#parts.packetDurationMs,
      events: this.#events,
      nowMs,
    });
  }

  #attachWaiting(channel: Channel): void {
    for (const watcher of this.#waiting.get(channel.id) ?? []) {
      channel.watchers.add(watcher);
      watcher.attach(channel);
    }
    this.#waiting.delete(channel.id);
  }
}
