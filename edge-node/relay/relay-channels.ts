import type { Clock } from '../../shared/clock.ts';
import type { ChannelId } from '../../shared/ids.ts';
import { CHANNEL_IDLE_MS, CHANNEL_QUIET_MS, RELAY_LINGER_MS } from '../../shared/limits.ts';
import type { LogLimiter } from '../../shared/logger.ts';
import type { ChannelLogLimits } from '../channels/channel-log.ts';
import { LingerTimer } from '../channels/channel-timers.ts';
import { inSlices } from '../channels/in-slices.ts';
import { LogBudget } from '../channels/log-budget.ts';
import { MemoryRelief } from '../channels/memory-relief.ts';
import { type Run, RunLimits } from '../channels/run.ts';
import type { Subjects } from '../nats/subjects.ts';
import type { PacketView } from '../ordering/packet-view.ts';
import type { ReorderLimits } from '../ordering/reorder-contract.ts';
import type { FeedSink } from '../source/feed.ts';
import { channelIdOfKey } from '../source/packet.ts';
import { RelayChannel } from './relay-channel.ts';

interface ChannelsParts {
  readonly maxChannels: number;
  /** Bound of all logs and held packets together. */
  readonly maxBytes: number;
  readonly log: ChannelLogLimits;
  readonly reorder: ReorderLimits;
  readonly subjects: Subjects;
  readonly publish: (channel: RelayChannel, run: Run) => void;
  readonly clock: Clock;
  readonly limiter: LogLimiter;
}

/** All channels of a relay, with the timer of their messages and the memory of their logs. */
export class RelayChannels implements FeedSink {
  readonly budget: LogBudget;
  readonly #parts: ChannelsParts;
  readonly #byId = new Map<ChannelId, RelayChannel>();
  readonly #byKey = new Map<number, RelayChannel>();
  // A message ends by its bytes or its time, whatever the number of its packets.
  readonly #run = new RunLimits(Number.POSITIVE_INFINITY, RELAY_LINGER_MS);
  readonly #linger: LingerTimer;
  readonly #relief: MemoryRelief;
  #isSweeping = false;
  badChannelPackets = 0;
  excessChannelPackets = 0;

  constructor(parts: ChannelsParts) {
    this.#parts = parts;
    this.budget = new LogBudget(parts.maxBytes);
    this.#linger = new LingerTimer(parts.clock, this.#run);
    this.#relief = new MemoryRelief(this.budget, {
      [Symbol.iterator]: () => this.#byId.values(),
    });
  }

  get size(): number {
    return this.#byId.size;
  }

  get all(): Iterable<RelayChannel> {
    return this.#byId.values();
  }

  get(id: ChannelId): RelayChannel | undefined {
    return this.#byId.get(id);
  }

  packet(key: number, packet: PacketView): boolean {
    const channel = this.#byKey.get(key) ?? this.#unknown(key, packet.arrivedMs);
    if (channel === 'bad id') return false;
    if (channel === 'no room') return true;
    if (channel.push(packet)) this.#linger.add(channel);
    if (this.budget.isExceeded) this.#relief.schedule();
    return true;
  }

  sourceConnected(): void {
    for (const channel of this.#byId.values()) channel.sourceConnected();
  }

  sourceLost(): void {}

  /** Lets old runs and forgotten channels go, in slices. Call it every second. */
  async sweep(nowMs: number): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    await inSlices(this.#byId.values(), this.#parts.clock, (channel) => {
      channel.sweep(nowMs);
      if (nowMs - channel.usedMs >= CHANNEL_IDLE_MS) this.#forget(channel, nowMs);
    });
    this.#isSweeping = false;
  }

  /** Publishes what has been gathered. No packet comes any more. */
  stop(): void {
    this.#linger.stop();
    this.#relief.stop();
    const nowMs = this.#parts.clock.monotonicMs();
    for (const channel of this.#byId.values()) channel.closeRun(nowMs);
  }

  /** A packet whose key leads to no channel yet. */
  #unknown(key: number, nowMs: number): RelayChannel | 'bad id' | 'no room' {
    const { limiter } = this.#parts;
    const id = channelIdOfKey(key);
    if (id === undefined) {
      this.badChannelPackets += 1;
      limiter.warn('packet dropped: channel id is not printable ASCII', { key: key.toString(16) });
      return 'bad id';
    }
    const channel = this.#byId.get(id) ?? this.#create(id, nowMs);
    if (channel === undefined) {
      this.excessChannelPackets += 1;
      limiter.warn('packet dropped: MAX_CHANNELS reached', { channel: id });
      return 'no room';
    }
    this.#byKey.set(key, channel);
    channel.keys.add(key);
    return channel;
  }

  #create(id: ChannelId, nowMs: number): RelayChannel | undefined {
    const { log, maxChannels, publish, reorder, subjects } = this.#parts;
    if (this.#byId.size >= maxChannels && !this.#makeRoom(nowMs)) return undefined;
    const channel = new RelayChannel({
      id,
      subject: subjects.channel(id),
      log,
      reorder,
      run: this.#run,
      budget: this.budget,
      publish,
      nowMs,
    });
    this.#byId.set(id, channel);
    return channel;
  }

  /** Forgets the channel that has been quiet for longest, if there is a quiet one. */
  #makeRoom(nowMs: number): boolean {
    let quietest: RelayChannel | undefined;
    for (const channel of this.#byId.values()) {
      if (quietest === undefined || channel.usedMs < quietest.usedMs) quietest = channel;
    }
    if (quietest === undefined || nowMs - quietest.usedMs < CHANNEL_QUIET_MS) return false;
    this.#forget(quietest, nowMs);
    return true;
  }

  #forget(channel: RelayChannel, nowMs: number): void {
    channel.clear(nowMs);
    this.#byId.delete(channel.id);
    for (const key of channel.keys) this.#byKey.delete(key);
  }
}
