import { SECONDS_RATE_SILENCE_MS, SECONDS_RATE_SPAN_MS } from '../../shared/limits.ts';

/** By which part a channel may count more or fewer seconds than pass, before they cannot be right. */
const TOLERANCE = 0.2;

/**
 * How many seconds a channel counts in a second: each packet that comes out in order is billed as
 * PACKET_DURATION_MS, whatever the stream says. Measured over a minute at a time. A silent channel is not judged: the
 * minute begins anew once it is heard again.
 */
export class SecondsRate {
  readonly #packetDurationMs: number;
  #sinceMs: number;
  #sincePackets = 0;
  #heardMs: number;
  #packets = 0;
  /** Of the last whole minute; undefined before the first one, and after a silence. */
  value: number | undefined;

  constructor(packetDurationMs: number, nowMs: number) {
    this.#packetDurationMs = packetDurationMs;
    this.#sinceMs = nowMs;
    this.#heardMs = nowMs;
  }

  /** Whether what the channel counts cannot be right. */
  get isOff(): boolean {
    return this.value !== undefined && Math.abs(this.value - 1) > TOLERANCE;
  }

  /** Takes how many packets came out in order so far. Call it every second or so. */
  observe(packets: number, nowMs: number): void {
    if (packets > this.#packets) {
      this.#packets = packets;
      this.#heardMs = nowMs;
    } else if (nowMs - this.#heardMs >= SECONDS_RATE_SILENCE_MS) {
      this.value = undefined;
      this.#begin(nowMs);
      return;
    }
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < SECONDS_RATE_SPAN_MS) return;
    this.value = ((packets - this.#sincePackets) * this.#packetDurationMs) / elapsedMs;
    this.#begin(nowMs);
  }

  #begin(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#sincePackets = this.#packets;
  }
}
