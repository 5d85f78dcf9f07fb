import {
  CLOCK_SET_MS,
  PACE_MAX_BYTES,
  PACE_MAX_MS,
  PACE_WITHOUT_CLOCK_BYTES,
} from '../../../shared/limits.ts';
import { PCR_HZ, PCR_MODULO } from '../../mpeg-ts/pcr.ts';
import { CLOCK_LOST_MS } from './slot-rules.ts';
import type { StreamSink } from './stream-sink.ts';

const LOSS = Symbol('loss');

/** A piece of the stream from one PCR to the next. Owns its bytes. */
interface Segment {
  /** Undefined for bytes that no PCR came before. */
  readonly pcr: number | undefined;
  /** Where it stands in the stream's time, in ms from the first PCR. */
  readonly streamMs: number;
  readonly parts: (Buffer | typeof LOSS)[];
  bytes: number;
  /** When its last bytes had come. */
  wholeMs: number;
}

/** Jitter of a muxer sets PCRs back so far at most. If one is further back, or over CLOCK_SET_MS ahead, the clock was set. */
const JITTER_MS = 100;
/** A segment later than this shows that the stream stood still; less may be a late timer. */
const LATE_MS = 100;
/** A live source's clock is followed by this part of the rate at most. */
const DRIFT_MOST = 0.005;
/** The least lead of so long a time tells how the clocks drift: longer than the pieces of most HLS. */
const DRIFT_WINDOW_MS = 20_000;

/**
 * Hands a stream on at the pace of its own clock, whatever the pace that it comes at: users are billed by the packets
 * that they get, and what comes in bursts would be billed ahead. What is read ahead is bounded in bytes and in the
 * stream's time; its reader asks `isFull` and waits.
 *
 * A segment is due when its PCR is. Where it comes later than that, all after it move: nothing is hurried to catch up.
 * A live source has a clock of its own, and no reader that could wait for ever: if the least that was read ahead over
 * DRIFT_WINDOW_MS grows or shrinks, the pace follows it, by DRIFT_MOST at most. If its clock is missing, what comes goes
 * on as it comes.
 *
 * Pure: no clock, no I/O. `release` hands on what is due by the time that it is given, and `dueMs` says when to call it.
 */
export class Pacer implements StreamSink {
  readonly #output: StreamSink;
  readonly #isLive: boolean;
  readonly #segments: Segment[] = [];
  #bytes = 0;
  /** Time at which the stream's time `#anchorStreamMs` is due. */
  #anchorMs: number | undefined;
  #anchorStreamMs = 0;
  #lastPcr: number | undefined;
  #lastStreamMs = 0;
  #lastIntervalMs = 0;
  /** When the last PCR came, or the first bytes before any. */
  #clockHeardMs: number | undefined;
  #isEnded = false;
  #rate = 1;
  #windowEndMs: number | undefined;
  #leastLeadMs = Number.POSITIVE_INFINITY;
  #wantedLeadMs: number | undefined;

  /** @param isLive whether the source has a pace of its own that must be followed */
  constructor(output: StreamSink, isLive: boolean) {
    this.#output = output;
    this.#isLive = isLive;
  }

  get isFull(): boolean {
    return this.#bytes >= PACE_MAX_BYTES || this.aheadMs >= PACE_MAX_MS;
  }

  /** The stream's time that waits. */
  get aheadMs(): number {
    const [first] = this.#segments;
    return first === undefined ? 0 : this.#lastStreamMs - first.streamMs;
  }

  get waitingBytes(): number {
    return this.#bytes;
  }

  /** Nothing waits, and nothing more comes. */
  get isDrained(): boolean {
    return this.#isEnded && this.#segments.length === 0;
  }

  /** A file that has no PCR, or none for long, has no pace. */
  get isWithoutClock(): boolean {
    const [first, second] = this.#segments;
    if (this.#isLive || first === undefined || second !== undefined) return false;
    if (first.bytes >= PACE_WITHOUT_CLOCK_BYTES) return true;
    return this.#isEnded && this.#lastPcr === undefined;
  }

  /** When `release` next has something to do; Infinity while nothing is known to be due. */
  get dueMs(): number {
    const [first, second] = this.#segments;
    if (first === undefined || this.#clockHeardMs === undefined) return Number.POSITIVE_INFINITY;
    if (second === undefined && !this.#isEnded) {
      // Not whole yet. A live stream that has lost its clock does not wait for it.
      const isWaiting = this.#isLive && first.parts.length > 0;
      return isWaiting ? this.#clockHeardMs + CLOCK_LOST_MS : Number.POSITIVE_INFINITY;
    }
    if (first.pcr === undefined || this.#anchorMs === undefined) return 0;
    return this.#dueOf(first.streamMs, this.#anchorMs);
  }

  pcr(ticks: number, nowMs: number): void {
    this.#clockHeardMs = nowMs;
    this.#lastStreamMs += this.#passedSince(ticks);
    this.#lastPcr = ticks;
    const last = this.#segments.at(-1);
    if (last) last.wholeMs = nowMs;
    const streamMs = this.#lastStreamMs;
    this.#segments.push({ pcr: ticks, streamMs, parts: [], bytes: 0, wholeMs: nowMs });
  }

  bytes(bytes: Buffer, start: number, end: number, nowMs: number): void {
    this.#clockHeardMs ??= nowMs;
    const segment = this.#open();
    segment.parts.push(Buffer.from(bytes.subarray(start, end)));
    segment.bytes += end - start;
    this.#bytes += end - start;
  }

  loss(): void {
    this.#open().parts.push(LOSS);
  }

  /** Nothing more comes: what waits is still handed on in time. */
  end(): void {
    this.#isEnded = true;
  }

  /** Hands on what is due. */
  release(nowMs: number): void {
    while (this.dueMs <= nowMs) {
      const segment = this.#segments.shift();
      if (segment === undefined) return;
      if (segment.pcr !== undefined) this.#keepPace(segment, nowMs);
      this.#bytes -= segment.bytes;
      this.#handOn(segment, nowMs);
    }
  }

  #open(): Segment {
    const last = this.#segments.at(-1);
    if (last) return last;
    const streamMs = this.#lastStreamMs;
    const segment = { pcr: undefined, streamMs, parts: [], bytes: 0, wholeMs: 0 };
    this.#segments.push(segment);
    return segment;
  }

  #handOn({ pcr, parts }: Segment, nowMs: number): void {
    if (pcr !== undefined) this.#output.pcr(pcr, nowMs);
    for (const part of parts) {
      if (part === LOSS) this.#output.loss();
      else this.#output.bytes(part, 0, part.length, nowMs);
    }
  }

  /** The stream's time between the last PCR and this one; negative where it jitters. */
  #passedSince(ticks: number): number {
    if (this.#lastPcr === undefined) return 0;
    const ahead = (ticks - this.#lastPcr + PCR_MODULO) % PCR_MODULO;
    const signed = ahead > PCR_MODULO / 2 ? ahead - PCR_MODULO : ahead;
    const passedMs = (signed * 1000) / PCR_HZ;
    if (passedMs < -JITTER_MS || passedMs > CLOCK_SET_MS) return this.#lastIntervalMs;
    if (passedMs > 0) this.#lastIntervalMs = passedMs;
    return passedMs;
  }

  #dueOf(streamMs: number, anchorMs: number): number {
    return anchorMs + (streamMs - this.#anchorStreamMs) / this.#rate;
  }

  /** The anchor moves with the stream, and further where a segment came later than it was due. */
  #keepPace({ streamMs, wholeMs }: Segment, nowMs: number): void {
    const dueMs = this.#anchorMs === undefined ? nowMs : this.#dueOf(streamMs, this.#anchorMs);
    this.#anchorMs = wholeMs - dueMs > LATE_MS ? nowMs : dueMs;
    this.#anchorStreamMs = streamMs;
    if (this.#isLive) this.#followDrift(nowMs);
  }

  #followDrift(nowMs: number): void {
    this.#leastLeadMs = Math.min(this.#leastLeadMs, this.aheadMs);
    this.#windowEndMs ??= nowMs + DRIFT_WINDOW_MS;
    if (nowMs < this.#windowEndMs) return;
    this.#wantedLeadMs ??= this.#leastLeadMs;
    const driftMs = this.#leastLeadMs - this.#wantedLeadMs;
    this.#rate = 1 + Math.max(-DRIFT_MOST, Math.min(DRIFT_MOST, driftMs / DRIFT_WINDOW_MS));
    this.#windowEndMs = nowMs + DRIFT_WINDOW_MS;
    this.#leastLeadMs = Number.POSITIVE_INFINITY;
  }
}
