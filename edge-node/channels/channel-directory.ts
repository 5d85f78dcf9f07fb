import type { Clock } from '../../shared/clock.ts';
import type { ChannelId } from '../../shared/ids.ts';
import { CHANNEL_IDLE_MS, CHANNEL_QUIET_MS } from '../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../shared/logger.ts';
import { Disagreements } from '../ordering/merging/disagreements.ts';
import { MergedSources } from '../ordering/merging/merged-sources.ts';
import type { PacketView } from '../ordering/packet-view.ts';
import type { ReorderLimits } from '../ordering/reorder-contract.ts';
import type { Demand, DemandSink, ReadProgress } from '../source/feed.ts';
import { channelIdOfKey } from '../source/packet.ts';
import { Channel, type ChannelEvents, type Watcher } from './channel.ts';
import type { ChannelLogLimits } from './channel-log.ts';
import { LingerTimer, ReorderTimer } from './channel-timers.ts';
import { inSlices } from './in-slices.ts';
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

/** At MAX_CHANNELS all channels are searched for one to forget at most this often, whatever flood of ids comes. */
const ROOM_LOOK_MS = 1_000;

/**
 * All channels with their timers and their memory, and the users who wait for one that is not there. Only the source
 * creates channels. Takes the source's packets and gives each to its channel.
 */
export class ChannelDirectory implements DemandSink {
  readonly budget: LogBudget;
  /** Undefined where there is but one source at a time. */
  readonly merged: MergedSources | undefined;
  readonly #byId = new Map<ChannelId, Channel>();
  /** By the six bytes in a header; a channel whose id comes padded in several ways has several keys. */
  readonly #byKey = new Map<number, Channel>();
  readonly #waiting = new Map<ChannelId, Set<Watcher>>();
  /** Channels whose users wait for what is older than they are. */
  readonly #backlogs = new Set<ChannelId>();
  readonly #parts: DirectoryParts;
  readonly #run: RunLimits;
  readonly #linger: LingerTimer;
  readonly #reorder: ReorderTimer;
  readonly #relief: MemoryRelief;
  readonly #events: ChannelEvents;
  readonly #disagreements: Disagreements;
  /** Channels that may make room for others, the least recently used one last, as the last search found them. */
  #quiet: Channel[] = [];
  #lookedMs = Number.NEGATIVE_INFINITY;
  #isSweeping = false;
  /** Packets dropped because their channel id was not printable ASCII, or because of MAX_CHANNELS. */
  badChannelPackets = 0;
  excessChannelPackets = 0;

  constructor(parts: DirectoryParts) {
    const { clock, idleRun, progress } = parts;
    this.#parts = parts;
    this.budget = new LogBudget(parts.maxBytes);
    this.#run = new RunLimits(idleRun.packets, idleRun.lingerMs);
    this.#linger = new LingerTimer(clock, this.#run);
    this.#reorder = new ReorderTimer(clock, progress);
    this.#relief = new MemoryRelief(this.budget, this.channels);
    this.merged = MergedSources.of(parts.merged);
    this.#disagreements = new Disagreements(this.merged?.names ?? [], parts.logger);
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
    return { [Symbol.iterator]: () => this.#byId.values() };
  }

  get size(): number {
    return this.#byId.size;
  }

  /** The channels that there are, taken in or not. */
  get ids(): Iterable<ChannelId> {
    const { demand } = this.#parts;
    return demand === undefined
      ? this.#byId.keys()
      : new Set([...demand.ids, ...this.#byId.keys()]);
  }

  has(id: ChannelId): boolean {
    return this.#byId.has(id) || this.#parts.demand?.has(id) === true;
  }

  packet(key: number, packet: PacketView): boolean {
    const channel = this.#byKey.get(key);
    if (channel === undefined) return this.#unknown(key, packet);
    channel.push(packet);
    return true;
  }

  sourceConnected(source: number): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.merged?.connected(source);
    for (const channel of this.#byId.values()) channel.sourceConnected(source, nowMs);
  }

  sourceLost(source: number): void {
    this.merged?.lost(source);
  }

  /**
   * Begins to watch. Without the channel the watcher waits, and is attached when it appears.
   * @param fromEntry the watcher would begin at an entry point
   */
  watch(id: ChannelId, watcher: Watcher, fromEntry = false): void {
    const channel = this.#byId.get(id);
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
    const channel = this.#byId.get(id);
    if (channel?.watchers.delete(watcher)) channel.usedMs = nowMs;
    const waiting = this.#waiting.get(id);
    if (waiting?.delete(watcher) && waiting.size === 0) this.#waiting.delete(id);
    const isWatched = this.#waiting.has(id) || (channel?.watchers.size ?? 0) > 0;
    if (!isWatched) this.#parts.demand?.unwant(id);
  }

  backlogBegins(id: ChannelId): void {
    this.#backlogs.add(id);
  }

  backlogEnded(id: ChannelId): void {
    this.#backlogs.delete(id);
    const channel = this.#byId.get(id);
    if (channel === undefined) return;
    channel.settle();
    this.#attachWaiting(channel);
  }

  forget(id: ChannelId): void {
    const channel = this.#byId.get(id);
    if (channel !== undefined) this.#forget(channel, this.#parts.clock.monotonicMs());
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
  async sweep(nowMs: number): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    await inSlices(this.#byId.values(), this.#parts.clock, (channel) => {
      channel.sweep(nowMs);
      for (const source of channel.takeDisagreeing()) this.#disagreements.note(source, channel.id);
      const isIdle = channel.watchers.size === 0 && nowMs - channel.usedMs >= CHANNEL_IDLE_MS;
      if (isIdle) this.#forget(channel, nowMs);
    });
    this.#disagreements.tell(nowMs);
    this.#isSweeping = false;
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
  #unknown(key: number, packet: PacketView): boolean {
    const id = channelIdOfKey(key);
    if (id === undefined) {
      this.badChannelPackets += 1;
      this.#parts.limiter.warn('packet dropped: channel id is not printable ASCII', {
        key: key.toString(16),
      });
      return false;
    }
    const channel = this.#byId.get(id) ?? this.#create(id, packet.arrivedMs);
    if (channel === undefined) {
      this.excessChannelPackets += 1;
      this.#parts.limiter.warn('packet dropped: MAX_CHANNELS reached', { channel: id });
      return true;
    }
    this.#byKey.set(key, channel);
    channel.keys.add(key);
    channel.push(packet);
    return true;
  }

  #create(id: ChannelId, nowMs: number): Channel | undefined {
    if (this.#byId.size >= this.#parts.maxChannels && !this.#makeRoom(nowMs)) return undefined;
    return this.#open(id, nowMs);
  }

  /** Forgets the least recently used of the quiet channels, if there is one. */
  #makeRoom(nowMs: number): boolean {
    if (this.#quiet.length === 0 && nowMs >= this.#lookedMs + ROOM_LOOK_MS) {
      this.#lookedMs = nowMs;
      this.#quiet = [...this.#byId.values()]
        .filter((channel) => isQuiet(channel, nowMs))
        .sort((a, b) => b.usedMs - a.usedMs);
    }
    for (;;) {
      const channel = this.#quiet.pop();
      if (channel === undefined) return false;
      if (this.#byId.get(channel.id) !== channel || !isQuiet(channel, nowMs)) continue;
      this.#forget(channel, nowMs);
      return true;
    }
  }

  #open(id: ChannelId, nowMs: number): Channel {
    const channel = new Channel({
      id,
      reorder: this.#parts.reorder,
      log: this.#parts.logLimits,
      run: this.#run,
      budget: this.budget,
      sources: this.merged,
      packetDurationMs: this.#parts.packetDurationMs,
      events: this.#events,
      nowMs,
    });
    this.#byId.set(id, channel);
    if (!this.#backlogs.has(id)) this.#attachWaiting(channel);
    return channel;
  }

  #attachWaiting(channel: Channel): void {
    for (const watcher of this.#waiting.get(channel.id) ?? []) {
      channel.watchers.add(watcher);
      watcher.attach(channel);
    }
    this.#waiting.delete(channel.id);
  }

  #forget(channel: Channel, nowMs: number): void {
    channel.clear(nowMs);
    this.#byId.delete(channel.id);
    for (const key of channel.keys) this.#byKey.delete(key);
  }
}

function isQuiet({ watchers, usedMs }: Channel, nowMs: number): boolean {
  return watchers.size === 0 && nowMs - usedMs >= CHANNEL_QUIET_MS;
}
