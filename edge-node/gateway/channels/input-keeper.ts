import { InputError } from '../../../shared/errors.ts';
import {
  CHILD_STALL_MS,
  INPUT_BACKOFF_MAX_MS,
  INPUT_BACKOFF_MIN_MS,
  INPUT_STALL_MS,
  INPUT_START_MS,
  INPUT_WHOLE_MS,
} from '../../../shared/limits.ts';
import { backoffMs } from '../../../shared/net/backoff.ts';
import { type InputSpec, isShared } from '../../channel-lists/input-url.ts';
import { isListener } from '../inputs/ffmpeg-arguments.ts';
import type { Input } from '../inputs/input.ts';
import { type InputTools, isLive, openInput } from '../inputs/open-input.ts';
import { StreamReader } from '../slicing/stream-reader.ts';
import type { StreamSink } from '../slicing/stream-sink.ts';
import { InputStats } from './input-stats.ts';
import { PacedStream } from './paced-stream.ts';

export type InputState =
  /** Not open, since it is not needed now: another input plays. */
  | { readonly kind: 'idle' }
  /** A file waits for the first edge node. */
  | { readonly kind: 'held' }
  | { readonly kind: 'opening'; readonly sinceMs: number }
  | { readonly kind: 'receiving'; readonly sinceMs: number }
  | { readonly kind: 'waiting'; readonly untilMs: number; readonly reason: InputError }
  | { readonly kind: 'ended'; readonly reason: InputError };

export interface KeeperParts {
  readonly tools: InputTools;
  readonly silenceMs: number;
  /** Whether an edge node has connected yet: until then a file is not played. */
  readonly isHeard: () => boolean;
  /** The input broke off or ended; what comes next is another stream. */
  readonly onEnd: (reason: InputError) => void;
}

/**
 * Keeps one input of a channel open: one that ends, fails, or falls silent is opened again for ever, with backoff,
 * except a file that was played to its end. Hands on the stream, at the pace of its clock if it does not come at that.
 */
export class InputKeeper {
  readonly spec: InputSpec;
  readonly stats = new InputStats();
  readonly #parts: KeeperParts;
  readonly #sink: StreamSink;
  state: InputState = { kind: 'idle' };
  #input: Input | undefined;
  #paced: PacedStream | undefined;
  #isForFfmpeg = false;
  /** Why the input ended whose last bytes are still being played. */
  #endReason = new InputError('ended');
  /** Openings since it last came whole. */
  #failures = 0;
  #lastBytesMs = 0;
  /** Since when nothing was missing. */
  #wholeSinceMs = 0;

  constructor(spec: InputSpec, sink: StreamSink, parts: KeeperParts) {
    this.spec = spec;
    this.#parts = parts;
    this.#sink = {
      bytes: (bytes, start, end, nowMs) => {
        if (this.state.kind !== 'receiving') this.#begin(nowMs);
        this.#lastBytesMs = nowMs;
        sink.bytes(bytes, start, end, nowMs);
      },
      pcr: (ticks, nowMs) => sink.pcr(ticks, nowMs),
      loss: () => {
        this.#wholeSinceMs = performance.now();
        sink.loss();
      },
    };
  }

  /** Whether bytes came within SILENCE_MS. */
  isReceiving(nowMs: number): boolean {
    const isOpen = this.state.kind === 'receiving';
    return isOpen && nowMs - this.#lastBytesMs < this.#parts.silenceMs;
  }

  /** Whether it should come and does not: nobody needs an idle one now, a held or ended one is as it should be. */
  isFailing(nowMs: number): boolean {
    const { kind } = this.state;
    if (kind === 'receiving') return !this.isReceiving(nowMs);
    return kind === 'opening' || kind === 'waiting';
  }

  isWhole(nowMs: number): boolean {
    return this.isReceiving(nowMs) && nowMs - this.#wholeSinceMs >= INPUT_WHOLE_MS;
  }

  /** The stream's time that is read ahead; undefined where it comes at its own pace. */
  get aheadMs(): number | undefined {
    return this.#paced?.aheadMs;
  }

  start(nowMs: number): void {
    if (this.state.kind !== 'idle') return;
    if (isLive(this.spec) || this.#parts.isHeard()) this.#open(nowMs);
    else this.state = { kind: 'held' };
  }

  stop(): void {
    this.#close();
    this.#failures = 0;
    if (this.state.kind !== 'ended') this.state = { kind: 'idle' };
  }

  /** Looks whether it has fallen silent, or is to be opened again. */
  tick(nowMs: number): void {
    const { state } = this;
    this.stats.tick(nowMs);
    if (state.kind === 'held' && this.#parts.isHeard()) this.#open(nowMs);
    else if (state.kind === 'waiting' && nowMs >= state.untilMs) this.#open(nowMs);
    else if (state.kind === 'opening' && nowMs - state.sinceMs >= this.#startLimitMs()) {
      this.#fail(new InputError('silent'));
    } else if (state.kind === 'receiving' && nowMs - this.#lastBytesMs >= this.#stallLimitMs()) {
      this.#fail(new InputError('silent'));
    } else if (this.isWhole(nowMs)) this.#failures = 0;
  }

  #open(nowMs: number): void {
    this.state = { kind: 'opening', sinceMs: nowMs };
    const paced = isShared(this.spec) ? undefined : this.#newPaced();
    const reader = new StreamReader(paced ?? this.#sink, this.spec.program);
    const input = openInput(
      this.spec,
      {
        bytes: (bytes, start, end) => {
          reader.push(bytes, start, end, performance.now());
          if (paced?.isFull) this.#input?.pause();
        },
        loss: () => reader.gap(),
        end: (reason) => this.#inputEnded(reason),
      },
      this.#parts.tools,
      this.#isForFfmpeg,
    );
    this.#paced = paced;
    this.#input = input;
    this.stats.begin(reader, input.rtp);
  }

  /** The first bytes have come. */
  #begin(nowMs: number): void {
    this.state = { kind: 'receiving', sinceMs: nowMs };
    this.#wholeSinceMs = nowMs;
  }

  #newPaced(): PacedStream {
    return new PacedStream(this.#sink, isLive(this.spec), {
      onRoom: () => this.#input?.resume(),
      onDrained: () => this.#fail(this.#endReason),
      onWithoutClock: () => this.#fail(new InputError('no_clock')),
    });
  }

  #inputEnded(reason: InputError): void {
    const { kind } = this.spec;
    const isOther = reason.reason === 'not_transport_stream' && !this.#isForFfmpeg;
    if (isOther && (kind === 'file' || kind === 'http')) {
      this.#isForFfmpeg = true;
      this.#close();
      this.#open(performance.now());
      return;
    }
    this.#input = undefined;
    this.#endReason = reason;
    if (this.#paced)
      this.#paced.end(); // what was read ahead is still played
    else this.#fail(reason);
  }

  #fail(reason: InputError): void {
    const nowMs = performance.now();
    this.#close();
    this.stats.end(reason.reason);
    const { kind } = this.spec;
    if (kind === 'stdin' || (kind === 'file' && reason.reason === 'ended')) {
      this.state = { kind: 'ended', reason };
      this.#parts.onEnd(reason);
      return;
    }
    // A silent multicast group is joined again at once, without backoff: nothing that is sent may be missed meanwhile.
    const delayMs = reason.reason === 'silent' && kind === 'datagram' ? 0 : this.#backoffMs();
    this.#failures += 1;
    this.state = { kind: 'waiting', untilMs: nowMs + delayMs, reason };
    this.#parts.onEnd(reason);
    if (delayMs === 0) this.#open(nowMs);
  }

  #close(): void {
    this.#input?.close();
    this.#input = undefined;
    this.#paced?.close();
    this.#paced = undefined;
  }

  #backoffMs(): number {
    return backoffMs(this.#failures, INPUT_BACKOFF_MIN_MS, INPUT_BACKOFF_MAX_MS);
  }

  /** How long the first bytes may take. */
  #startLimitMs(): number {
    if (this.spec.kind === 'datagram') return Math.max(this.#parts.silenceMs, this.#backoffMs());
    if ('url' in this.spec && isListener(this.spec.url)) return Number.POSITIVE_INFINITY;
    return INPUT_START_MS;
  }

  /** How long a stream may stand still. ffmpeg or a server starts anew at a cost; a socket does not. */
  #stallLimitMs(): number {
    const { silenceMs } = this.#parts;
    if (this.spec.kind === 'datagram') return silenceMs;
    const isChild = this.spec.kind === 'child' || this.#isForFfmpeg;
    return Math.max(silenceMs, isChild ? CHILD_STALL_MS : INPUT_STALL_MS);
  }
}
