import { connect, type Socket } from 'node:net';
import type { Clock } from '../../shared/clock.ts';
import type { Address } from '../../shared/config/addresses.ts';
import { reasonOf, SourceError } from '../../shared/errors.ts';
import {
  SOURCE_ATTEMPT_TIMEOUT_MS,
  SOURCE_CONNECT_TIMEOUT_MS,
  SOURCE_KEEPALIVE_MS,
} from '../../shared/limits.ts';
import { FramingLostError, type PacketDecoder } from './packet-decoder.ts';

export interface ConnectionParts {
  readonly address: Address;
  readonly decoder: PacketDecoder;
  /** What is read goes here; nobody keeps a view of it (PacketSink). */
  readonly buffer: Buffer;
  /** Taken per turn of the event loop, at the most. */
  readonly turnBytes: number;
  /** A connection that brings no packet for so long is given up; 0: never. */
  readonly silenceMs: number;
  readonly clock: Clock;
  readonly connected: () => void;
  /** Bytes were read, and the packets that they complete are decoded. */
  readonly read: (bytes: number, nowMs: number) => void;
  readonly framingLost: () => void;
  /** It has ended; nothing more is said. */
  readonly closed: (reason: string) => void;
}

/** One connection to a channel source, from its attempt to its end. */
export class SourceConnection {
  readonly #parts: ConnectionParts;
  readonly #socket: Socket;
  #turnBytes = 0;
  #turn: NodeJS.Immediate | undefined;
  #mayHaveMore = false;
  #silence: NodeJS.Timeout | undefined;
  /** When a valid packet last came, or else the connection was made. */
  lastPacketMs = 0;
  bytesRead = 0;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#socket = this.#connect();
  }

  /** Whether the last turn of the event loop has left nothing to read. */
  get isDry(): boolean {
    return !this.#mayHaveMore && this.#turnBytes < this.#parts.turnBytes;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #connect(): Socket {
    const { address, buffer, turnBytes, closed } = this.#parts;
    let reason = 'the source closed the connection';
    const socket = connect({
      ...address,
      autoSelectFamilyAttemptTimeout: SOURCE_ATTEMPT_TIMEOUT_MS,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: SOURCE_KEEPALIVE_MS,
      onread: {
        buffer,
        callback: (count) => {
          this.#read(count);
          return this.#turnBytes < turnBytes;
        },
      },
    });
    socket.setTimeout(SOURCE_CONNECT_TIMEOUT_MS, () =>
      socket.destroy(new SourceError(`no answer within ${SOURCE_CONNECT_TIMEOUT_MS / 1000} s`)),
    );
    socket.on('connect', () => this.#connected());
    socket.on('error', (error) => {
      reason = reasonOf(error);
    });
    socket.on('close', () => {
      clearTimeout(this.#silence);
      clearImmediate(this.#turn);
      closed(reason);
    });
    return socket;
  }

  #connected(): void {
    const { clock, silenceMs, connected } = this.#parts;
    this.#socket.setTimeout(0);
    this.lastPacketMs = clock.monotonicMs();
    if (silenceMs > 0) this.#watchSilence(silenceMs);
    connected();
    this.#socket.resume();
  }

  #read(count: number): void {
    const { decoder, buffer, clock, read, framingLost } = this.#parts;
    const nowMs = clock.monotonicMs();
    this.bytesRead += count;
    this.#turnBytes += count;
    this.#turn ??= setImmediate(() => this.#endTurn());
    try {
      decoder.push(buffer.subarray(0, count), nowMs);
    } catch (error) {
      if (!(error instanceof FramingLostError)) throw error;
      framingLost();
      this.#socket.destroy(error);
    }
    read(count, nowMs);
  }

  /** Checks after `waitMs` whether no packet has come for too long, and if not, again when that may be. */
  #watchSilence(waitMs: number): void {
    const { silenceMs, clock } = this.#parts;
    this.#silence = setTimeout(() => {
      // After the sockets were polled: what a late event loop has not read yet is no silence.
      setImmediate(() => {
        if (this.#socket.destroyed) return;
        const leftMs = silenceMs - (clock.monotonicMs() - this.lastPacketMs);
        if (leftMs <= 0) this.#socket.destroy(new SourceError(`no packet for ${silenceMs} ms`));
        else this.#watchSilence(leftMs);
      });
    }, waitMs);
  }

  /** Runs after the sockets were polled: a turn that took all it may is followed by another. */
  #endTurn(): void {
    this.#mayHaveMore = this.#turnBytes >= this.#parts.turnBytes;
    this.#turnBytes = 0;
    this.#turn = this.#mayHaveMore ? setImmediate(() => this.#endTurn()) : undefined;
    if (this.#mayHaveMore) this.#socket.resume();
  }
}
