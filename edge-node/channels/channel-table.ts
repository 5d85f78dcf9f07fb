import type { Clock } from '../../shared/clock.ts';
import type { ChannelId } from '../../shared/ids.ts';
import { CHANNEL_IDLE_MS, CHANNEL_QUIET_MS } from '../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../shared/logger.ts';
import { Disagreements } from '../ordering/merging/disagreements.ts';
import { MergedSources } from '../ordering/merging/merged-sources.ts';
import { channelIdOfKey } from '../source/packet.ts';
import { inSlices } from './in-slices.ts';

/** A channel that a source has brought, whatever becomes of its packets. */
export interface SourceChannel {
  readonly id: ChannelId;
  /** The keys in headers that lead here, one for each way in which the source has padded the id. */
  readonly keys: Set<number>;
  /** A new connection to a source begins. */
  sourceConnected(source: number, nowMs: number): void;
  /** The sources that brought nothing since the last call but what does not fit the others. */
  takeDisagreeing(): readonly number[];
  /** For how long neither source nor users have wanted it. */
  idleMs(nowMs: number): number;
  /** Call it every second. */
  sweep(nowMs: number): void;
  /** Gives all memory back; the channel is forgotten. */
  clear(nowMs: number): void;
}

interface TableParts<C> {
  readonly maxChannels: number;
  readonly create: (id: ChannelId, nowMs: number) => C;
  /** The names of the sources that bring packets at the same time, by their numbers, where there are several. */
  readonly merged: readonly string[] | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limiter: LogLimiter;
}

/** At MAX_CHANNELS all channels are searched for one to forget at most this often, whatever flood of ids comes. */
const ROOM_LOOK_MS = 1_000;

/** The channels that a source has brought: at most MAX_CHANNELS, of which quiet ones make room for others. */
export class ChannelTable<C extends SourceChannel> implements Iterable<C> {
  /** Undefined where there is but one source at a time. */
  readonly merged: MergedSources | undefined;
  readonly #disagreements: Disagreements;
  readonly #parts: TableParts<C>;
  readonly #byId = new Map<ChannelId, C>();
  /** By the six bytes in a header; a channel whose id comes padded in several ways has several keys. */
  readonly #byKey = new Map<number, C>();
  /** Channels that may make room for others, the least recently used one last, as the last search found them. */
  #quiet: C[] = [];
  #lookedMs = Number.NEGATIVE_INFINITY;
  #isSweeping = false;
  /** Packets dropped because their channel id was not printable ASCII, or because of MAX_CHANNELS. */
  badChannelPackets = 0;
  excessChannelPackets = 0;

  constructor(parts: TableParts<C>) {
    this.#parts = parts;
    this.merged = MergedSources.of(parts.merged);
    this.#disagreements = new Disagreements(this.merged?.names ?? [], parts.logger);
  }

  get size(): number {
    return this.#byId.size;
  }

  get ids(): Iterable<ChannelId> {
    return this.#byId.keys();
  }

  [Symbol.iterator](): Iterator<C> {
    return this.#byId.values();
  }

  has(id: ChannelId): boolean {
    return this.#byId.has(id);
  }

  get(id: ChannelId): C | undefined {
    return this.#byId.get(id);
  }

  withKey(key: number): C | undefined {
    return this.#byKey.get(key);
  }

  /** The channel of a packet whose key leads to none yet: a new one, unless its id is known. */
  take(key: number, nowMs: number): C | 'bad id' | 'no room' {
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

  sourceConnected(source: number): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.merged?.connected(source);
    for (const channel of this) channel.sourceConnected(source, nowMs);
  }

  sourceLost(source: number): void {
    this.merged?.lost(source);
  }

  forget(channel: C, nowMs: number): void {
    channel.clear(nowMs);
    this.#byId.delete(channel.id);
    for (const key of channel.keys) this.#byKey.delete(key);
  }

  /**
   * Sweeps each channel and forgets those that nobody wants any more, in slices between which the sockets are polled.
   * Call it every second; one that is still under way goes on alone.
   */
  async sweep(nowMs: number): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    await inSlices(this.#byId.values(), this.#parts.clock, (channel) => {
      channel.sweep(nowMs);
      for (const source of channel.takeDisagreeing()) this.#disagreements.note(source, channel.id);
      if (channel.idleMs(nowMs) >= CHANNEL_IDLE_MS) this.forget(channel, nowMs);
    });
    this.#isSweeping = false;
    this.#disagreements.tell(nowMs);
  }

  #create(id: ChannelId, nowMs: number): C | undefined {
    const { maxChannels, create } = this.#parts;
    if (this.#byId.size >= maxChannels && !this.#makeRoom(nowMs)) return undefined;
    const channel = create(id, nowMs);
    this.#byId.set(id, channel);
    return channel;
  }

  /** Forgets the least recently used of the quiet channels, if there is one. */
  #makeRoom(nowMs: number): boolean {
    if (this.#quiet.length === 0 && nowMs >= this.#lookedMs + ROOM_LOOK_MS) {
      this.#lookedMs = nowMs;
      this.#quiet = [...this.#byId.values()]
        .filter((channel) => isQuiet(channel, nowMs))
        .sort((a, b) => a.idleMs(nowMs) - b.idleMs(nowMs));
    }
    for (;;) {
      const channel = this.#quiet.pop();
      if (channel === undefined) return false;
      if (this.#byId.get(channel.id) !== channel || !isQuiet(channel, nowMs)) continue;
      this.forget(channel, nowMs);
      return true;
    }
  }
}

function isQuiet(channel: SourceChannel, nowMs: number): boolean {
  return channel.idleMs(nowMs) >= CHANNEL_QUIET_MS;
}
