import { Pacer } from '../slicing/pacer.ts';
import type { StreamSink } from '../slicing/stream-sink.ts';

interface PacedHooks {
  /** There is room to read on. */
  readonly onRoom: () => void;
  /** All that was read has been handed on, and nothing more comes. */
  readonly onDrained: () => void;
  /** There is no clock to play it by. */
  readonly onWithoutClock: () => void;
}

/** A pacer on the real clock. */
export class PacedStream implements StreamSink {
  readonly #pacer: Pacer;
  readonly #hooks: PacedHooks;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = Number.POSITIVE_INFINITY;
  #isClosed = false;

  constructor(output: StreamSink, isLive: boolean, hooks: PacedHooks) {
    this.#pacer = new Pacer(output, isLive);
    this.#hooks = hooks;
  }

  get isFull(): boolean {
    return this.#pacer.isFull;
  }

  get aheadMs(): number {
    return this.#pacer.aheadMs;
  }

  pcr(ticks: number, nowMs: number): void {
    this.#pacer.pcr(ticks, nowMs);
    this.#schedule();
  }

  bytes(bytes: Buffer, start: number, end: number, nowMs: number): void {
    this.#pacer.bytes(bytes, start, end, nowMs);
    if (this.#pacer.isWithoutClock) this.#hooks.onWithoutClock();
    else this.#schedule();
  }

  loss(): void {
    this.#pacer.loss();
  }

  /** Nothing more comes. What waits goes out in its time. */
  end(): void {
    this.#pacer.end();
    if (this.#pacer.isWithoutClock) this.#hooks.onWithoutClock();
    else this.#turn();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    const { dueMs } = this.#pacer;
    if (this.#isClosed || dueMs >= this.#timerMs) return;
    clearTimeout(this.#timer);
    this.#timerMs = dueMs;
    const delayMs = Math.max(0, Math.ceil(dueMs - performance.now()));
    this.#timer = setTimeout(() => this.#turn(), delayMs);
  }

  #turn(): void {
    if (this.#isClosed) return;
    this.#timerMs = Number.POSITIVE_INFINITY;
    this.#pacer.release(performance.now());
    if (this.#pacer.isDrained) this.#hooks.onDrained();
    else if (!this.#pacer.isFull) this.#hooks.onRoom();
    if (this.#timerMs === Number.POSITIVE_INFINITY) this.#schedule();
  }
}
