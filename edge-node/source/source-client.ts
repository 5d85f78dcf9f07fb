import { connect, type Socket } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import {
  SOURCE_BACKOFF_MAX_MS,
  SOURCE_BACKOFF_MIN_MS,
  SOURCE_CONNECT_TIMEOUT_MS,
  SOURCE_KEEPALIVE_MS,
  SOURCE_TURN_BYTES,
} from '../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../shared/logger.ts';
import { FramingLostError, PacketDecoder, type PacketSink } from './packet-decoder.ts';

export interface SourceSink extends PacketSink {
  /** Packets so far that were valid. */
  readonly accepted: number;
  /** A new connection begins. */
  sourceConnected(): void;
}

export type SourceState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected'; readonly sinceMs: number }
  | { readonly kind: 'waiting'; readonly retryMs: number; readonly reason: string }
  | { readonly kind: 'stopped' };

interface SourceParts {
  readonly host: string;
  readonly port: number;
  readonly maxPayloadBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly log: LogLimiter;
}

const READ_BYTES = 64 * 1024;

/**
 * Holds the connection to the channel source, for ever: lost, refused or silent, it is tried again with exponential
 * backoff and jitter, which only a valid packet resets. Takes at most SOURCE_TURN_BYTES per turn of the event loop,
 * so that users are served however fast the source sends.
 */
export class SourceClient {
  readonly #parts: SourceParts;
  /** Reads of all connections go here; nothing keeps a view of it (PacketSink). */
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  #socket: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #turnBytes = 0;
  #turn: NodeJS.Immediate | undefined;
  #mayHaveMore = false;
  state: SourceState = { kind: 'stopped' };
  bytesRead = 0;
  connections = 0;
  framingLost = 0;

  constructor(parts: SourceParts) {
    this.#parts = parts;
  }

  /** Whether the last turn of the event loop has left nothing to read. */
  get isDry(): boolean {
    return !this.#mayHaveMore && this.#turnBytes < SOURCE_TURN_BYTES;
  }

  /** Begins to take packets, for ever, and gives them to `sink`. */
  start(sink: SourceSink): void {
    this.#connect(sink);
  }

  stop(): void {
    this.state = { kind: 'stopped' };
    clearTimeout(this.#retry);
    clearImmediate(this.#turn);
    this.#socket?.destroy();
  }

  #connect(sink: SourceSink): void {
    const { host, port, maxPayloadBytes, logger } = this.#parts;
    this.state = { kind: 'connecting' };
    const decoder = new PacketDecoder(maxPayloadBytes, sink);
    const acceptedBefore = sink.accepted;
    let reason = 'the source closed the connection';
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: SOURCE_KEEPALIVE_MS,
      onread: {
        buffer: this.#buffer,
        callback: (count) => {
          try {
            this.#read(decoder, count);
          } catch (error) {
            if (!(error instanceof FramingLostError)) throw error;
            this.framingLost += 1;
            socket.destroy(error);
          }
          if (sink.accepted > acceptedBefore) this.#failures = 0;
          return this.#turnBytes < SOURCE_TURN_BYTES;
        },
      },
    });
    this.#socket = socket;
    socket.setTimeout(SOURCE_CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
    socket.on('connect', () => {
      socket.setTimeout(0);
      this.connections += 1;
      this.state = { kind: 'connected', sinceMs: this.#parts.clock.monotonicMs() };
      logger.info({ source: `${host}:${port}` }, 'connected to the channel source');
      sink.sourceConnected();
      socket.resume();
    });
    socket.on('error', (error) => {
      reason = error.message;
    });
    socket.on('close', () => this.#retryLater(sink, reason));
  }

  #read(decoder: PacketDecoder, count: number): void {
    this.bytesRead += count;
    this.#turnBytes += count;
    this.#turn ??= setImmediate(() => this.#endTurn());
    decoder.push(this.#buffer.subarray(0, count), this.#parts.clock.monotonicMs());
  }

  /** Runs after the sockets were polled: a turn that took all it may is followed by another. */
  #endTurn(): void {
    this.#mayHaveMore = this.#turnBytes >= SOURCE_TURN_BYTES;
    this.#turnBytes = 0;
    this.#turn = this.#mayHaveMore ? setImmediate(() => this.#endTurn()) : undefined;
    if (this.#mayHaveMore) this.#socket?.resume();
  }

  #retryLater(sink: SourceSink, reason: string): void {
    if (this.state.kind === 'stopped') return;
    const steps = Math.min(this.#failures, 16);
    const ceilingMs = Math.min(SOURCE_BACKOFF_MAX_MS, SOURCE_BACKOFF_MIN_MS * 2 ** steps);
    const retryMs = Math.round(ceilingMs * (0.5 + Math.random() / 2));
    this.#failures += 1;
    this.state = { kind: 'waiting', retryMs, reason };
    const { host, port, log } = this.#parts;
    log.warn('no connection to the channel source', { source: `${host}:${port}`, reason, retryMs });
    this.#retry = setTimeout(() => this.#connect(sink), retryMs);
  }
}
