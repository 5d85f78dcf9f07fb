import { PCR_MODULO, PCR_PER_TICK, readPcr, writePcr } from '../../mpeg-ts/pcr.ts';
import { readTimestamp, timestampOffsets, writeTimestamp } from '../../mpeg-ts/pes-timestamps.ts';
import { PacketSync } from '../../mpeg-ts/sync.ts';
import {
  continuityOf,
  hasPayload,
  headerAt,
  isScrambled,
  payloadStart,
  pcrOffset,
  pidOf,
  startsUnit,
  TS_PACKET_BYTES,
} from '../../mpeg-ts/ts-packet.ts';

type Output = (bytes: Buffer, start: number, end: number) => void;

/** The counters of one PID: of its first packet in a pass, and of the last one as it was handed on. */
interface Counters {
  readonly first: number;
  last: number;
  shift: number;
}

/**
 * Makes one endless stream of a file that is played again and again: from the second pass on, clock, time stamps and
 * counters go on where the pass before ended. The first pass is handed on as it is.
 */
export class LoopCarry {
  readonly #output: Output;
  #sync = this.#newSync();
  #isFirstPass = true;
  /** Added to the file's clock, in ticks of 27 MHz; whole ticks of 90 kHz. */
  #shift = 0;
  #clockPid: number | undefined;
  #firstPcr = 0;
  #lastPcr = 0;
  #interval = 0;
  readonly #counters = new Map<number, Counters>();

  constructor(output: Output) {
    this.#output = output;
  }

  /** Takes the next piece of the file, in which it writes. */
  push(bytes: Buffer): void {
    this.#sync.push(bytes, 0, bytes.length);
  }

  /** The file begins again. */
  nextPass(): void {
    const length = this.#lastPcr - this.#firstPcr + this.#interval;
    const whole = Math.round(length / PCR_PER_TICK) * PCR_PER_TICK;
    this.#shift = (this.#shift + whole + PCR_MODULO) % PCR_MODULO;
    for (const counters of this.#counters.values()) {
      counters.shift = counters.last + 1 - counters.first;
    }
    this.#isFirstPass = false;
    this.#sync = this.#newSync();
  }

  #newSync(): PacketSync {
    return new PacketSync((bytes, at) => {
      this.#carry(bytes, at);
      this.#output(bytes, at, at + TS_PACKET_BYTES);
    });
  }

  #carry(bytes: Buffer, at: number): void {
    const header = headerAt(bytes, at);
    if (hasPayload(header)) this.#carryCounter(bytes, at, header);
    const pcrAt = pcrOffset(bytes, at, header);
    if (pcrAt !== undefined) this.#carryClock(bytes, pcrAt, pidOf(header));
    if (this.#isFirstPass || !startsUnit(header) || isScrambled(header)) return;
    const unit = payloadStart(bytes, at, header);
    for (const offset of timestampOffsets(bytes, unit, at + TS_PACKET_BYTES)) {
      const ticks = readTimestamp(bytes, offset) + this.#shift / PCR_PER_TICK;
      writeTimestamp(bytes, offset, ticks);
    }
  }

  #carryCounter(bytes: Buffer, at: number, header: number): void {
    const pid = pidOf(header);
    const counter = continuityOf(header);
    let counters = this.#counters.get(pid);
    if (counters === undefined) {
      counters = { first: counter, last: counter, shift: 0 };
      this.#counters.set(pid, counters);
    }
    counters.last = (counter + counters.shift) & 0x0f;
    if (!this.#isFirstPass) bytes.writeUInt8((header & 0xf0) | counters.last, at + 3);
  }

  #carryClock(bytes: Buffer, offset: number, pid: number): void {
    const pcr = readPcr(bytes, offset);
    if (!this.#isFirstPass) writePcr(bytes, offset, pcr + this.#shift);
    if (this.#clockPid === undefined) {
      this.#clockPid = pid;
      this.#firstPcr = this.#lastPcr = pcr;
    }
    if (pid !== this.#clockPid) return;
    if (pcr > this.#lastPcr) this.#interval = pcr - this.#lastPcr;
    this.#lastPcr = pcr;
  }
}
