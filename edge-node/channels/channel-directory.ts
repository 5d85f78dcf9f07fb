import type { Config } from '../../shared/config.ts';
import type { ChannelId } from '../../shared/ids.ts';
import { CHANNEL_IDLE_MS } from '../../shared/limits.ts';
import type { LogLimiter } from '../../shared/logger.ts';
import type { ReorderLimits } from '../ordering/reorder-buffer.ts';
import { channelIdOfKey } from '../source/packet.ts';
import type { PacketSink } from '../source/packet-decoder.ts';
import { Channel, type ChannelEvents, type Watcher } from './channel.ts';
import type { LogLimits, RunLimits } from './channel-log.ts';
import { LogBudget } from './log-budget.ts';

interface DirectoryParts {
  readonly config: Config;
  readonly run: RunLimits;
  readonly events: ChannelEvents;
  readonly log: LogLimiter;
}

/**
 * All channels, and the users who wait for one that is not there. Only the source creates channels. Takes the
 * source's packets and gives each to its channel.
 */
export class ChannelDirectory implements PacketSink {
  readonly budget: LogBudget;
  readonly #byId = new Map<ChannelId, Channel>();
  /** By the six bytes of a header; several keys lead to a channel whose id is padded in several ways. */
  readonly #byKey = new Map<number, Channel>();
  readonly #waiting = new Map<ChannelId, Set<Watcher>>();
  readonly #maxChannels: number;
  readonly #reorder: ReorderLimits;
  readonly #logLimits: LogLimits;
  readonly #run: RunLimits;
  readonly #events: ChannelEvents;
  readonly #log: LogLimiter;
  #nowMs = 0;
  /** Packets with a channel id, whether the channel had room or not. */
  accepted = 0;
  /** Packets dropped because their channel id was not printable ASCII, or because of MAX_CHANNELS. */
  badChannelPackets = 0;
  excessChannelPackets = 0;

  constructor({ config, run, events, log }: DirectoryParts) {
    this.#maxChannels = config.MAX_CHANNELS;
    this.#reorder = {
      maxPackets: config.REORDER_MAX_PACKETS,
      maxBytes: config.REORDER_MAX_BYTES,
      deadlineMs: config.REORDER_DEADLINE_MS,
      settleMs: config.REORDER_SETTLE_MS,
    };
    this.#logLimits = { maxBytes: config.CHANNEL_LOG_BYTES, maxMs: config.CHANNEL_LOG_MS };
    this.budget = new LogBudget(config.EDGE_LOG_BYTES);
    this.#run = run;
    this.#events = events;
    this.#log = log;
  }

  get channels(): Iterable<Channel> {
    return this.#byId.values();
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Packets that follow were read at this time. */
  beginRead(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  packet(key: number, high: number, low: number, bytes: Buffer, start: number, end: number): void {
    const channel = this.#byKey.get(key) ?? this.#create(key);
    if (channel === undefined) return;
    this.accepted += 1;
    channel.push(high, low, bytes, start, end, this.#nowMs);
  }

  /** Memory is short: no channel waits for a missing packet any longer. */
  giveUpGaps(): void {
    for (const channel of this.#byId.values()) channel.giveUpGaps();
  }

  sourceConnected(): void {
    for (const channel of this.#byId.values()) channel.sourceConnected();
  }

  /** Begins to watch. Without the channel the watcher waits, and is attached when it appears. */
  watch(id: ChannelId, watcher: Watcher): void {
    const channel = this.#byId.get(id);
    if (channel !== undefined) {
      channel.watchers.add(watcher);
      watcher.attach(channel);
      return;
    }
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) this.#waiting.set(id, new Set([watcher]));
    else waiting.add(watcher);
  }

  unwatch(id: ChannelId, watcher: Watcher, nowMs: number): void {
    const channel = this.#byId.get(id);
    if (channel?.watchers.delete(watcher)) channel.usedMs = nowMs;
    const waiting = this.#waiting.get(id);
    if (waiting?.delete(watcher) && waiting.size === 0) this.#waiting.delete(id);
  }

  /** Users who wait for a channel that is not there. */
  get waitingUsers(): number {
    let users = 0;
    for (const waiting of this.#waiting.values()) users += waiting.size;
    return users;
  }

  /** Lets old runs go, and forgets channels that neither source nor users want any more. Call it every second. */
  sweep(nowMs: number): void {
    for (const channel of this.#byId.values()) {
      channel.sweep(nowMs);
      const isIdle = channel.watchers.size === 0 && nowMs - channel.usedMs >= CHANNEL_IDLE_MS;
      if (isIdle) this.#forget(channel, nowMs);
    }
  }

  #create(key: number): Channel | undefined {
    const id = channelIdOfKey(key);
    if (id === undefined) {
      this.badChannelPackets += 1;
      this.#log.warn('packet dropped: channel id is not printable ASCII', {
        key: key.toString(16),
      });
      return undefined;
    }
    const known = this.#byId.get(id);
    if (known === undefined && this.#byId.size >= this.#maxChannels) {
      this.accepted += 1;
      this.excessChannelPackets += 1;
      this.#log.warn('packet dropped: MAX_CHANNELS reached', { channel: id });
      return undefined;
    }
    const channel = known ?? this.#open(id);
    this.#byKey.set(key, channel);
    return channel;
  }

  #open(id: ChannelId): Channel {
    const channel = new Channel({
      id,
      reorder: this.#reorder,
      log: this.#logLimits,
      run: this.#run,
      budget: this.budget,
      events: this.#events,
      nowMs: this.#nowMs,
    });
    this.#byId.set(id, channel);
    for (const watcher of this.#waiting.get(id) ?? []) {
      channel.watchers.add(watcher);
      watcher.attach(channel);
    }
    this.#waiting.delete(id);
    return channel;
  }

  #forget(channel: Channel, nowMs: number): void {
    channel.clear(nowMs);
    this.#byId.delete(channel.id);
    for (const [key, { id }] of this.#byKey) if (id === channel.id) this.#byKey.delete(key);
  }
}
