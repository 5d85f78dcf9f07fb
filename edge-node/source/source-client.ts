import { connect, isIPv6, type Socket } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import { reasonOf, SourceError } from '../../shared/errors.ts';
import {
  SOURCE_ATTEMPT_TIMEOUT_MS,
  SOURCE_BACKOFF_MAX_MS,
  SOURCE_BACKOFF_MIN_MS,
  SOURCE_CONNECT_TIMEOUT_MS,
  SOURCE_KEEPALIVE_MS,
  SOURCE_TURN_BYTES,
  SOURCE_WELL_MS,
} from '../../shared/limits.ts';
import type { Logger, LogLimiter } from '../../shared/logger.ts';
import { FramingLostError, PacketDecoder, type PacketSink } from './packet-decoder.ts';
import { receiveBufferMaxBytes } from './receive-buffer.ts';

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
  /** A connection that brings no packet for so long is given up; 0: never. */
  readonly silenceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limiter: LogLimiter;
}

const READ_BYTES = 64 * 1024;

/**
 * Holds the connection to the channel source, for ever: lost, refused or silent, it is tried again with exponential
 * backoff and jitter, which only a connection resets that has brought packets for SOURCE_WELL_MS. Takes at most
 * SOURCE_TURN_BYTES per turn of the event loop, so that users are served however fast the source sends.
 */
export class SourceClient {
  readonly #parts: SourceParts;
  /** What is read goes here, on each connection anew: nobody keeps a view of it (PacketSink). */
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  #socket: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #turnBytes = 0;
  #turn: NodeJS.Immediate | undefined;
  #mayHaveMore = false;
  #silence: NodeJS.Timeout | undefined;
  /** When the newest valid packet came; before the first, when the client began. */
  #lastPacketMs = 0;
  /** The most that can wait unread in the kernel. */
  readonly maxUnreadBytes = receiveBufferMaxBytes();
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
    this.#lastPacketMs = this.#parts.clock.monotonicMs();
    this.#connect(sink);
  }

  stop(): void {
    this.state = { kind: 'stopped' };
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    clearImmediate(this.#turn);
    this.#socket?.destroy();
  }

  /** How long no valid packet has come. */
  silentMs(nowMs: number): number {
    return nowMs - this.#lastPacketMs;
  }

  #connect(sink: SourceSink): void {
    const { host, port, maxPayloadBytes, logger } = this.#parts;
    this.state = { kind: 'connecting' };
    const decoder = new PacketDecoder(maxPayloadBytes, sink);
    let reason = 'the source closed the connection';
    const socket = connect({
      host,
      port,
      autoSelectFamilyAttemptTimeout: SOURCE_ATTEMPT_TIMEOUT_MS,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: SOURCE_KEEPALIVE_MS,
      onread: {
        buffer: this.#buffer,
        callback: (count) => {
          try {
            this.#read(decoder, sink, count);
          } catch (error) {
            if (!(error instanceof FramingLostError)) throw error;
            this.framingLost += 1;
            socket.destroy(error);
          }
          return this.#turnBytes < SOURCE_TURN_BYTES;
        },
      },
    });
    this.#socket = socket;
    socket.setTimeout(SOURCE_CONNECT_TIMEOUT_MS, () =>
      socket.destroy(new SourceError(`no answer within ${SOURCE_CONNECT_TIMEOUT_MS / 1000} s`)),
    );
    socket.on('connect', () => {
      socket.setTimeout(0);
      this.connections += 1;
      this.state = { kind: 'connected', sinceMs: this.#parts.clock.monotonicMs() };
      this.#watchSilence(socket, this.#parts.silenceMs);
      logger.info({ source: addressOf(host, port) }, 'connected to the channel source');
      sink.sourceConnected();
      socket.resume();
    });
    socket.on('error', (error) => {
      reason = reasonOf(error);
    });
    socket.on('close', () => this.#retryLater(sink, reason));
  }

  #read(decoder: PacketDecoder, sink: SourceSink, count: number): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const acceptedBefore = sink.accepted;
    this.bytesRead += count;
    this.#turnBytes += count;
    this.#turn ??= setImmediate(() => this.#endTurn());
    decoder.push(this.#buffer.subarray(0, count), nowMs);
    if (sink.accepted === acceptedBefore) return;
    this.#lastPacketMs = nowMs;
    const isWell = this.state.kind === 'connected' && nowMs - this.state.sinceMs >= SOURCE_WELL_MS;
    if (isWell) this.#failures = 0;
  }

  /** Checks after `waitMs` whether the connection has been silent for too long, and if not, again when it may be. */
  #watchSilence(socket: Socket, waitMs: number): void {
    const { silenceMs, clock } = this.#parts;
    if (silenceMs === 0) return;
    this.#silence = setTimeout(() => {
      // After the sockets were polled: what a late event loop has not read yet is no silence.
      setImmediate(() => {
        if (this.state.kind !== 'connected' || socket !== this.#socket) return;
        const nowMs = clock.monotonicMs();
        const leftMs = silenceMs - Math.min(this.silentMs(nowMs), nowMs - this.state.sinceMs);
        if (leftMs <= 0) socket.destroy(new SourceError(`no packet for ${silenceMs} ms`));
        else this.#watchSilence(socket, leftMs);
      });
    }, waitMs);
  }

  /** Runs after the sockets were polled: a turn that took all it may is followed by another. */
  #endTurn(): void {
    this.#mayHaveMore = this.#turnBytes >= SOURCE_TURN_BYTES;
    this.#turnBytes = 0;
    this.#turn = this.#mayHaveMore ? setImmediate(() => this.#endTurn()) : undefined;
    if (this.#mayHaveMore) this.#socket?.resume();
  }

  #retryLater(sink: SourceSink, reason: string): void {
    clearTimeout(this.#silence);
    if (this.state.kind === 'stopped') return;
    const steps = Math.min(this.#failures, 16);
    const ceilingMs = Math.min(SOURCE_BACKOFF_MAX_MS, SOURCE_BACKOFF_MIN_MS * 2 ** steps);
    const retryMs = Math.round(ceilingMs * (0.5 + Math.random() / 2));
    this.#failures += 1;
    this.state = { kind: 'waiting', retryMs, reason };
    const { host, port, limiter } = this.#parts;
    limiter.warn('no connection to the channel source', {
      source: addressOf(host, port),
      reason,
      retryMs,
    });
    this.#retry = setTimeout(() => this.#connect(sink), retryMs);
  }
}

function addressOf(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
