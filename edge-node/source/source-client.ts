import type { Clock } from '../../shared/clock.ts';
import { type Address, nameOf } from '../../shared/config/addresses.ts';
import {
  SOURCE_BACKOFF_MAX_MS,
  SOURCE_BACKOFF_MIN_MS,
  SOURCE_WELL_MS,
} from '../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../shared/logger.ts';
import { backoffMs } from '../../shared/net/backoff.ts';
import type { FeedSink, FeedSource, ReadMark, SourceState } from './feed.ts';
import { PacketDecoder } from './packet-decoder.ts';
import { SourceConnection } from './source-connection.ts';

interface SourceParts {
  /** The source's number to the sink. */
  readonly source: number;
  /** Where it is: one place, or several that are tried in turn. */
  readonly places: readonly [Address, ...Address[]];
  readonly maxPayloadBytes: number;
  /** Taken per turn of the event loop, at the most, so that users are served however fast the source sends. */
  readonly turnBytes: number;
  /** The most that can wait unread in the kernel for a connection. */
  readonly maxUnreadBytes: number;
  /** A connection that brings no packet for so long is given up; 0: never. */
  readonly silenceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limiter: LogLimiter;
}

const READ_BYTES = 64 * 1024;

/** What is known of a place. */
class Place implements FeedSource {
  readonly address: Address;
  readonly name: string;
  state: SourceState = { kind: 'stopped' };
  connections = 0;
  bytesRead = 0;
  framingLost = 0;
  lastPacketMs = 0;

  constructor(address: Address) {
    this.address = address;
    this.name = nameOf(address);
  }
}

/**
 * Holds a connection to a channel source, for ever: lost, refused or silent, it is tried again, at the next of its places
 * if it has several, with exponential backoff and jitter from one round of the places to the next. Only a connection
 * that has brought packets for SOURCE_WELL_MS resets the backoff.
 */
export class SourceClient {
  readonly #parts: SourceParts;
  readonly #buffer: Buffer;
  readonly sources: readonly Place[];
  #place: Place;
  #connection: SourceConnection | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(parts: SourceParts) {
    this.#parts = parts;
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, parts.turnBytes));
    const [first, ...others] = parts.places;
    this.#place = new Place(first);
    this.sources = [this.#place, ...others.map((address) => new Place(address))];
  }

  /** Of its places. */
  get name(): string {
    return this.sources.map(({ name }) => name).join();
  }

  /** Begins to take packets, for ever, and gives them to `sink`. */
  start(sink: FeedSink): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const place of this.sources) {
      place.lastPacketMs = nowMs;
      place.state = { kind: 'standby' };
    }
    this.#connect(sink);
  }

  stop(): void {
    for (const place of this.sources) place.state = { kind: 'stopped' };
    clearTimeout(this.#retry);
    this.#connection?.destroy();
  }

  /** What waits unread in the socket now will have been read once the mark says so. */
  mark(): ReadMark {
    const connection = this.#connection;
    const end = (connection?.bytesRead ?? 0) + this.#parts.maxUnreadBytes;
    const isRead = (): boolean =>
      connection === undefined ||
      connection !== this.#connection ||
      connection.isDry ||
      connection.bytesRead >= end;
    return { isRead };
  }

  #connect(sink: FeedSink): void {
    const { source, maxPayloadBytes, logger, clock } = this.#parts;
    const place = this.#place;
    place.state = { kind: 'connecting' };
    const decoder = new PacketDecoder(maxPayloadBytes, sink, source);
    let accepted = 0;
    const connection = new SourceConnection({
      ...this.#parts,
      address: place.address,
      decoder,
      buffer: this.#buffer,
      connected: () => {
        for (const other of this.sources) other.state = { kind: 'standby' };
        place.connections += 1;
        place.state = { kind: 'connected', sinceMs: clock.monotonicMs() };
        logger.info({ source: place.name }, 'connected to the channel source');
        sink.sourceConnected(source);
      },
      read: (bytes, nowMs) => {
        place.bytesRead += bytes;
        if (decoder.accepted === accepted) return;
        accepted = decoder.accepted;
        connection.lastPacketMs = nowMs;
        place.lastPacketMs = nowMs;
        const { state } = place;
        const isWell = state.kind === 'connected' && nowMs - state.sinceMs >= SOURCE_WELL_MS;
        if (isWell) this.#failures = 0;
      },
      framingLost: () => {
        place.framingLost += 1;
      },
      closed: (reason) => {
        this.#connection = undefined;
        if (place.state.kind === 'connected') sink.sourceLost(source);
        if (place.state.kind !== 'stopped') this.#retryLater(sink, reason);
      },
    });
    this.#connection = connection;
  }

  /** After a place has failed, the next one is tried soon, and the first of a new round after a longer wait. */
  #retryLater(sink: FeedSink, reason: string): void {
    const rounds = Math.floor(this.#failures / this.sources.length);
    const retryMs = backoffMs(rounds, SOURCE_BACKOFF_MIN_MS, SOURCE_BACKOFF_MAX_MS);
    this.#failures += 1;
    const lost = this.#place;
    lost.state = { kind: 'waiting', retryMs, reason };
    this.#place = this.sources[(this.sources.indexOf(lost) + 1) % this.sources.length] ?? lost;
    const fields = { source: lost.name, reason, retryMs };
    this.#parts.limiter.warn('no connection to the channel source', fields, lost.name);
    this.#retry = setTimeout(() => this.#connect(sink), retryMs);
  }
}
