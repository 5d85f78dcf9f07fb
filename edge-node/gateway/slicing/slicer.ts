import { TS_PACKET_BYTES } from '../../mpeg-ts/ts-packet.ts';
import type { SlotClock } from './slot-clock.ts';
import {
  CLOCK_LOST_MS,
  FILL_AFTER_LOSS_SLOTS,
  FILL_MAX_SLOTS,
  STAY_BEHIND_SLOTS,
} from './slot-rules.ts';
import type { StreamSink } from './stream-sink.ts';

/** Takes slots in order. `payload[0, bytes)` is valid during the call only. */
export interface SlotSink {
  slot(slot: number, payload: Buffer, bytes: number, isSuspect: boolean): void;
  /** `count` slots from `first` on, into which no PCR fell. Never over the clock's wrap. */
  emptySlots(first: number, count: number, isSuspect: boolean): void;
}

export interface SlicerOptions {
  readonly clock: SlotClock;
  /** A slot that reaches this size is closed, whatever the clock says. */
  readonly maxSlotBytes: number;
  /**
   * Whether slots are numbered by the stream's clock, for another gateway to make the same ones. Then nothing is handed
   * on before it is certain that the other's slots are the same, and an open slot is never handed on at a stop.
   */
  readonly isPaired: boolean;
  /** Where slots begin that are numbered before any PCR came. */
  readonly firstSlotWithoutClock: number;
}

const NONE = -1;

/**
 * Cuts a stream into slots of its own time. Pure: no clock, no I/O; time comes in as an argument, in monotonic ms.
 *
 * With T the ticks of a slot (20 ms of 27 MHz: 540,000), N = ceil(300 · 2^33 / T) slots until the clock wraps (4,772,186
 * at 20 ms), n the open slot, and m = floor(PCR / T) the slot of a PCR that comes, d = m − n modulo N:
 *
 *     -5 ≤ d ≤ 0     stay: the PCR's packet belongs to n
 *      1 ≤ d ≤ 250   close n, hand on n + 1 … m − 1 empty, open m with the PCR's packet (after a loss: d ≤ 50)
 *     else           a jump: close n, open m with the PCR's packet
 *
 * Nothing but a PCR moves from slot to slot, so the same bytes give the same slots wherever slicing began. Two slicers
 * that have seen the PCR of m stand in m … m + 5, and a PCR past m + 5 takes both to the same slot at the same byte. So a
 * slicer is certain once a PCR has moved on past m + 5, where m is the first one since the start or the last loss;
 * slots opened or damaged before that are suspect.
 *
 * Two exceptions, both suspect from their beginning on: a slot that reaches `maxSlotBytes` is closed and the next one
 * opened; where bytes come and no PCR for CLOCK_LOST_MS, slots follow the time of arrival until one comes.
 */
export class Slicer implements StreamSink {
  readonly #options: SlicerOptions;
  readonly #output: SlotSink;
  readonly #maxBytes: number;
  #payload = Buffer.allocUnsafeSlow(TS_PACKET_BYTES * 64);
  #filled = 0;
  /** The open slot; NONE before the first. */
  #slot = NONE;
  #isSlotSuspect = true;
  #isCertain = false;
  /** Whether anything is handed on yet. */
  #isHandingOn: boolean;
  /** Slot of the first PCR since certainty was lost; NONE before it. */
  #doubtedFrom = NONE;
  #hasLossSincePcr = false;
  /** Arrival of the last PCR, or of the first bytes before any; pauses of the input put off. */
  #clockHeardMs = NONE;
  #lastBytesMs = 0;
  /** While slots follow arrival: the slot that was open at #clockHeardMs. */
  #arrivalBase = NONE;
  jumps = 0;
  suspectSlots = 0;
  /** How often the clock was missing, so that slots followed arrival. */
  clockLosses = 0;

  constructor(options: SlicerOptions, output: SlotSink) {
    this.#options = options;
    this.#output = output;
    this.#isHandingOn = !options.isPaired;
    const packets = Math.max(1, Math.floor(options.maxSlotBytes / TS_PACKET_BYTES));
    this.#maxBytes = packets * TS_PACKET_BYTES;
  }

  /** Whether slots follow the time of arrival, since no PCR comes. */
  get isWithoutClock(): boolean {
    return this.#arrivalBase !== NONE;
  }

  /** A PCR, in ticks of 27 MHz, that the next bytes begin with. */
  pcr(ticks: number, nowMs: number): void {
    const slot = this.#options.clock.slotOf(ticks);
    this.#clockHeardMs = nowMs;
    this.#arrivalBase = NONE;
    if (this.#slot === NONE) this.#slot = slot;
    else this.#follow(slot);
    if (!this.#isCertain && this.#doubtedFrom === NONE) this.#doubtedFrom = slot;
    this.#hasLossSincePcr = false;
  }

  bytes(bytes: Buffer, start: number, end: number, nowMs: number): void {
    this.#watchClock(nowMs);
    let at = start;
    while (this.#filled + (end - at) > this.#maxBytes) {
      const part = this.#maxBytes - this.#filled;
      this.#append(bytes, at, at + part);
      at += part;
      this.#closeFull();
    }
    this.#append(bytes, at, end);
  }

  /** Bytes are missing here: the open slot is damaged, and it is uncertain in which slot another slicer is. */
  loss(): void {
    this.#doubt();
    this.#isSlotSuspect = true;
    this.#hasLossSincePcr = true;
  }

  /** The input has ended. Unless another gateway may have the open slot whole, it is handed on. */
  end(): void {
    if (!this.#options.isPaired && this.#filled > 0) this.#close();
    this.#filled = 0;
  }

  #follow(slot: number): void {
    const { clock } = this.#options;
    const ahead = clock.distance(slot, this.#slot);
    if (ahead <= 0 && ahead >= -STAY_BEHIND_SLOTS) return;
    const fillMost = this.#hasLossSincePcr ? FILL_AFTER_LOSS_SLOTS : FILL_MAX_SLOTS;
    const isJump = ahead < 0 || ahead > fillMost;
    const wasCertain = this.#isCertain;
    if (isJump) {
      this.jumps += 1;
      if (!wasCertain) this.#doubtedFrom = slot;
    } else if (!wasCertain && this.#doubtedFrom !== NONE) {
      this.#isCertain = clock.distance(slot, this.#doubtedFrom) > STAY_BEHIND_SLOTS;
    }
    this.#close();
    if (!isJump) this.#fill(ahead - 1, !wasCertain);
    if (this.#isCertain) this.#isHandingOn = true;
    this.#open(slot);
  }

  /** Without a PCR for long, the time of arrival moves from slot to slot. Pauses of the input do not count. */
  #watchClock(nowMs: number): void {
    if (this.#clockHeardMs === NONE) this.#clockHeardMs = nowMs;
    else {
      const pauseMs = nowMs - this.#lastBytesMs;
      if (pauseMs > CLOCK_LOST_MS / 2) this.#clockHeardMs += pauseMs;
    }
    this.#lastBytesMs = nowMs;
    const withoutMs = nowMs - this.#clockHeardMs;
    if (withoutMs < CLOCK_LOST_MS) return;
    if (this.#arrivalBase === NONE) this.#beginArrival();
    const { clock } = this.#options;
    const due = clock.after(this.#arrivalBase, clock.slotsIn(withoutMs));
    const ahead = clock.distance(due, this.#slot);
    if (ahead <= 0) return;
    this.#close();
    this.#fill(ahead - 1, true);
    this.#open(due);
  }

  #beginArrival(): void {
    if (this.#slot === NONE) this.#slot = this.#options.firstSlotWithoutClock;
    this.#arrivalBase = this.#slot;
    this.clockLosses += 1;
    this.#isHandingOn = true;
    this.loss();
  }

  #closeFull(): void {
    if (this.#slot === NONE) this.#slot = this.#options.firstSlotWithoutClock;
    this.#close();
    this.#doubt();
    this.#open(this.#options.clock.after(this.#slot, 1));
  }

  #doubt(): void {
    this.#isCertain = false;
    this.#doubtedFrom = NONE;
  }

  #open(slot: number): void {
    this.#slot = slot;
    this.#isSlotSuspect = !this.#isCertain;
  }

  #close(): void {
    if (this.#isHandingOn) {
      if (this.#isSlotSuspect) this.suspectSlots += 1;
      this.#output.slot(this.#slot, this.#payload, this.#filled, this.#isSlotSuspect);
    }
    this.#filled = 0;
  }

  #fill(count: number, isSuspect: boolean): void {
    if (count <= 0 || !this.#isHandingOn) return;
    if (isSuspect) this.suspectSlots += count;
    const { clock } = this.#options;
    const first = clock.after(this.#slot, 1);
    const beforeWrap = Math.min(count, clock.slots - first);
    this.#output.emptySlots(first, beforeWrap, isSuspect);
    if (count > beforeWrap) this.#output.emptySlots(0, count - beforeWrap, isSuspect);
  }

  #append(bytes: Buffer, start: number, end: number): void {
    const filled = this.#filled + (end - start);
    if (filled > this.#payload.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(filled, 2 * this.#payload.length));
      this.#payload.copy(grown, 0, 0, this.#filled);
      this.#payload = grown;
    }
    bytes.copy(this.#payload, this.#filled, start, end);
    this.#filled = filled;
  }
}
