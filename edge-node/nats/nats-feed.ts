import type { Clock } from '../../shared/clock.ts';
import type { Config } from '../../shared/config.ts';
import type { ChannelId } from '../../shared/ids.ts';
import {
  DIRECTORY_KEEP_MS,
  DIRECTORY_MS,
  NATS_OPEN_MS,
  NATS_TURN_BYTES,
} from '../../shared/limits.ts';
import type { LogLimiter } from '../../shared/logger.ts';
import { distance, type Sequence } from '../ordering/sequence.ts';
import type {
  Demand,
  DemandFigures,
  DemandSink,
  Feed,
  FeedSource,
  ReadMark,
  SourceState,
} from '../source/feed.ts';
import { FramingLostError, PacketDecoder, type PacketSink } from '../source/packet-decoder.ts';
import { ChannelIntake } from './channel-intake.ts';
import { decodeDirectory } from './directory-message.ts';
import { KnownChannels } from './known-channels.ts';
import type { Arrival, NatsLink } from './nats-link.ts';
import { RelaySlots } from './relay-slots.ts';
import { Subjects } from './subjects.ts';

interface FeedParts {
  readonly config: Config;
  readonly link: NatsLink;
  /** The most that can wait unread in the kernel. */
  readonly maxUnreadBytes: number;
  readonly clock: Clock;
  readonly limiter: LogLimiter;
}

/**
 * Channels from relays, by way of NATS: those that somebody watches, and CHANNEL_KEEP_MS longer. Every message holds
 * whole packets of one channel, so one that is lost costs its packets and nothing else. What was not heard while there
 * was no connection is missing, as are packets that a source has lost: users stay, and gaps are given up by the same rules.
 */
export class NatsFeed implements Feed, Demand, FeedSource {
  readonly #parts: FeedParts;
  readonly #subjects: Subjects;
  readonly #intakes = new Map<ChannelId, ChannelIntake>();
  readonly #known: KnownChannels;
  #sink: DemandSink | undefined;
  readonly #slots = new RelaySlots();
  /** One for each slot: between two messages it holds nothing. */
  #decoders: readonly PacketDecoder[] = [];
  /** The same for messages of backlogs: packets before `#first` are of no use. */
  #backlogDecoders: readonly PacketDecoder[] = [];
  #first: Sequence = { high: 0, low: 0 };
  #sweeps: NodeJS.Timeout | undefined;
  #connectedMs = 0;
  #turnBytes = 0;
  #lastTurnBytes = 0;
  #turn: NodeJS.Immediate | undefined;
  #gaps = 0;
  #badMessages = 0;
  #backlogs = 0;
  #backlogsCut = 0;
  bytesRead = 0;
  framingLost = 0;
  lastPacketMs = 0;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.#subjects = new Subjects(parts.config.NATS_SUBJECT_PREFIX);
    this.#known = new KnownChannels(parts.config.MAX_CHANNELS);
  }

  get sources(): readonly FeedSource[] {
    return [this];
  }

  /** Each relay is a source of its own: all of them bring the same packets. */
  get merged(): readonly string[] {
    return this.#slots.names;
  }

  get demand(): Demand {
    return this;
  }

  get name(): string {
    return 'nats';
  }

  get connections(): number {
    return this.#parts.link.connections;
  }

  get state(): SourceState {
    const { state } = this.#parts.link;
    return state.kind === 'connected' ? { kind: 'connected', sinceMs: this.#connectedMs } : state;
  }

  get ids(): Iterable<ChannelId> {
    return this.#known.ids;
  }

  get figures(): DemandFigures {
    return {
      subscribed: this.#intakes.size,
      known: this.#known.size,
      relays: this.#slots.heard,
      gaps: this.#gaps,
      badMessages: this.#badMessages,
      backlogs: this.#backlogs,
      backlogsCut: this.#backlogsCut,
    };
  }

  has(id: ChannelId): boolean {
    return this.#known.has(id);
  }

  async start(sink: DemandSink): Promise<void> {
    const { link, clock, config } = this.#parts;
    this.#sink = sink;
    const decodersTo = (to: PacketSink) =>
      this.#slots.names.map((_, slot) => new PacketDecoder(config.MAX_PAYLOAD_BYTES, to, slot));
    this.#decoders = decodersTo(sink);
    this.#backlogDecoders = decodersTo({
      packet: (key, view) =>
        distance(view.high, view.low, this.#first.high, this.#first.low) < 0 ||
        sink.packet(key, view),
    });
    this.lastPacketMs = clock.monotonicMs();
    link.onConnected(() => this.#connected());
    link.onLost(() => this.#lost(sink));
    link.listen(this.#subjects.directory, ({ data }) => this.#takeDirectory(data, sink));
    this.#sweeps = setInterval(() => this.#sweep(sink), DIRECTORY_MS);
    await link.start(NATS_OPEN_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweeps);
    clearImmediate(this.#turn);
    for (const intake of this.#intakes.values()) intake.end();
    this.#intakes.clear();
    await this.#parts.link.stop();
  }

  want(id: ChannelId, fromEntry: boolean): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    const intake = this.#intakes.get(id);
    if (intake !== undefined) {
      intake.idleSinceMs = undefined;
      return;
    }
    const { link, config } = this.#parts;
    const parts = {
      id,
      link,
      subjects: this.#subjects,
      sink,
      fromEntry,
      decode: (message: Arrival, first?: Sequence) => this.#decode(message, sink, first),
      maxWaitingBytes: config.CHANNEL_LOG_BYTES,
      backlogOver: (isWhole: boolean) => {
        this.#backlogs += 1;
        if (!isWhole) this.#backlogsCut += 1;
      },
    };
    this.#intakes.set(id, new ChannelIntake(parts));
  }

  unwant(id: ChannelId): void {
    const intake = this.#intakes.get(id);
    if (intake !== undefined) intake.idleSinceMs = this.#parts.clock.monotonicMs();
  }

  mark(): ReadMark {
    const end = this.bytesRead + this.#parts.maxUnreadBytes;
    const isRead = (): boolean =>
      Math.max(this.#turnBytes, this.#lastTurnBytes) < NATS_TURN_BYTES || this.bytesRead >= end;
    return { isRead };
  }

  #connected(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#connectedMs = nowMs;
    this.#known.heardAgain(nowMs);
    for (const intake of this.#intakes.values()) intake.connected();
  }

  #lost(sink: DemandSink): void {
    if (this.#intakes.size > 0) this.#gaps += 1;
    for (const intake of this.#intakes.values()) intake.connectionLost();
    this.#slots.free(Number.POSITIVE_INFINITY, sink);
  }

  #decode({ data, reply }: Arrival, sink: DemandSink, first?: Sequence): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#countTurn(data.length);
    const slot = this.#slots.of(reply ?? '', nowMs, sink);
    if (first !== undefined) this.#first = first;
    const decoder = (first === undefined ? this.#decoders : this.#backlogDecoders)[slot];
    if (decoder === undefined) return;
    const { accepted } = decoder;
    try {
      decoder.push(Buffer.from(data.buffer, data.byteOffset, data.length), nowMs);
      if (decoder.restart()) this.#tellBad('a packet is cut off');
    } catch (error) {
      if (!(error instanceof FramingLostError)) throw error;
      decoder.restart();
      this.framingLost += 1;
      this.#tellBad(error.message);
    }
    if (decoder.accepted > accepted) this.lastPacketMs = nowMs;
  }

  #countTurn(bytes: number): void {
    this.bytesRead += bytes;
    this.#turnBytes += bytes;
    this.#turn ??= setImmediate(() => this.#endTurn());
  }

  /** Runs after the sockets were polled: the next one tells that a turn without messages has passed. */
  #endTurn(): void {
    const wasQuiet = this.#turnBytes === 0;
    this.#lastTurnBytes = this.#turnBytes;
    this.#turnBytes = 0;
    this.#turn = wasQuiet ? undefined : setImmediate(() => this.#endTurn());
  }

  #tellBad(reason: string): void {
    this.#badMessages += 1;
    this.#parts.limiter.warn('message dropped: it holds something else than packets', { reason });
  }

  #takeDirectory(data: Uint8Array, sink: DemandSink): void {
    const message = decodeDirectory(data);
    if (message === undefined) {
      this.#tellBad('this is no directory of channels');
      return;
    }
    const nowMs = this.#parts.clock.monotonicMs();
    this.#slots.of(message.relay, nowMs, sink);
    this.#known.told(message, nowMs);
  }

  #sweep(sink: DemandSink): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#parts.link.isConnected) this.#known.sweep(nowMs);
    this.#slots.free(nowMs - DIRECTORY_KEEP_MS, sink);
    const leaveBeforeMs = nowMs - this.#parts.config.CHANNEL_KEEP_MS;
    for (const [id, intake] of this.#intakes) {
      if (intake.idleSinceMs === undefined || intake.idleSinceMs > leaveBeforeMs) continue;
      intake.end();
      this.#intakes.delete(id);
      sink.forget(id);
    }
  }
}
