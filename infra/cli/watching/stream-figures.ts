import { ContinuityCounters } from '../../../edge-node/mpeg-ts/continuity.ts';
import { PCR_HZ, PCR_MODULO, readPcr } from '../../../edge-node/mpeg-ts/pcr.ts';
import { PacketSync } from '../../../edge-node/mpeg-ts/sync.ts';
import {
  hasError,
  headerAt,
  NULL_PID,
  pcrOffset,
  pidOf,
} from '../../../edge-node/mpeg-ts/ts-packet.ts';
import { CLOCK_SET_MS } from '../../../shared/limits.ts';

const CLOCK_SET_TICKS = (CLOCK_SET_MS * PCR_HZ) / 1000;

/** What a viewer has received, in figures. */
export interface Figures {
  readonly bytes: number;
  /** By the stream's own clock; null where it is no MPEG-TS, or no clock has come. */
  readonly streamSeconds: number | null;
  /** Where packets of a stream are missing: continuity counters that do not go on, and lost alignment. */
  readonly gaps: number;
  /** Packets that were marked as damaged before they came here. */
  readonly damaged: number;
}

/**
 * Follows the bytes that a viewer receives. The clock is that of the first PID that carries one, from its first
 * reference on: tables may come seconds later.
 */
export class StreamFigures {
  readonly #sync = new PacketSync((bytes, at, streamAt) => this.#onPacket(bytes, at, streamAt));
  readonly #continuity = new ContinuityCounters();
  #nextAt: number | undefined;
  #clock: { readonly pid: number; readonly pcr: number } | undefined;
  #ticks = 0;
  #gaps = 0;
  #damaged = 0;

  push(chunk: Buffer): void {
    this.#sync.push(chunk, 0, chunk.length);
  }

  get figures(): Figures {
    return {
      bytes: this.#sync.streamBytes,
      streamSeconds: this.#clock === undefined ? null : this.#ticks / PCR_HZ,
      gaps: this.#gaps,
      damaged: this.#damaged,
    };
  }

  #onPacket(bytes: Buffer, at: number, streamAt: number): void {
    if (this.#nextAt !== undefined && streamAt !== this.#nextAt) this.#gaps += 1;
    this.#nextAt = streamAt + this.#sync.strideBytes;
    const header = headerAt(bytes, at);
    const pid = pidOf(header);
    if (hasError(header)) this.#damaged += 1;
    else if (pid !== NULL_PID) {
      if (this.#continuity.tellsLoss(bytes, at, header, pid)) this.#gaps += 1;
      const offset = pcrOffset(bytes, at, header);
      if (offset !== undefined) this.#tick(pid, readPcr(bytes, offset));
    }
  }

  /** Where the clock was set, no time passed. */
  #tick(pid: number, pcr: number): void {
    const before = this.#clock;
    if (before !== undefined && before.pid !== pid) return;
    const passed = (pcr - (before?.pcr ?? pcr) + PCR_MODULO) % PCR_MODULO;
    if (passed <= CLOCK_SET_TICKS) this.#ticks += passed;
    this.#clock = { pid, pcr };
  }
}
