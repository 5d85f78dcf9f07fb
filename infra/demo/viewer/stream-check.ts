import { EntryFinder, NO_ENTRY } from '../../../edge-node/mpeg-ts/entries/entry-finder.ts';
import { PCR_HZ, PCR_MODULO, readPcr } from '../../../edge-node/mpeg-ts/pcr.ts';
import {
  continuityOf,
  hasPayload,
  headerAt,
  isTransportStream,
  NULL_PID,
  pcrOffset,
  pidOf,
  TS_PACKET_BYTES,
} from '../../../edge-node/mpeg-ts/ts-packet.ts';
import { BITS_PER_SECOND, PACKET_MS, PAYLOAD_BYTES } from '../media/clip.ts';

const PCR_PER_BYTE = (PCR_HZ * 8) / BITS_PER_SECOND;
const PCR_PER_PAYLOAD = (PCR_HZ / 1000) * PACKET_MS;

/**
 * Looks at what one user receives of a channel at BITS_PER_SECOND: whether each TS packet follows the one before, by
 * the counters of the PIDs, and whether the bytes between two clock references are as many as their times say.
 */
export class StreamCheck {
  readonly #finder = new EntryFinder();
  readonly #counters = new Map<number, number>();
  #rest: Buffer = Buffer.alloc(0);
  #payloads = 0;
  #bytes = 0;
  #firstEntry = NO_ENTRY;
  #brokenPayloads = 0;
  #continuityErrors = 0;
  #gaps = 0;
  #clock: { readonly pid: number; readonly pcr: number; readonly at: number } | undefined;

  get bytes(): number {
    return this.#bytes;
  }

  /** Whole payloads. */
  get payloads(): number {
    return this.#payloads;
  }

  /** Offset of the first byte of the first key picture with its tables before it, or NO_ENTRY. */
  get firstEntry(): number {
    return this.#firstEntry;
  }

  /** Places where time and bytes disagree: something is missing, twice, or out of order. */
  get gaps(): number {
    return this.#gaps;
  }

  /** Packets that do not follow the one before of their PID, and payloads that are no MPEG-TS. */
  get errors(): number {
    return this.#continuityErrors + this.#brokenPayloads;
  }

  /** Whether the bytes so far end with a whole payload. */
  get isWhole(): boolean {
    return this.#rest.length === 0;
  }

  /** How many payloads of a clip's endless play end with the last one here, by its clock; 0 while that is unknown. */
  get playedTo(): number {
    if (this.#clock === undefined) return 0;
    const since = this.#payloads - Math.floor(this.#clock.at / PAYLOAD_BYTES);
    return Math.floor(this.#clock.pcr / PCR_PER_PAYLOAD) + since;
  }

  push(chunk: Buffer): void {
    this.#bytes += chunk.length;
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const end = bytes.length - (bytes.length % PAYLOAD_BYTES);
    for (let at = 0; at < end; at += PAYLOAD_BYTES) this.#pushPayload(bytes, at);
    this.#rest = Buffer.from(bytes.subarray(end));
  }

  #pushPayload(bytes: Buffer, start: number): void {
    const end = start + PAYLOAD_BYTES;
    const position = this.#payloads;
    this.#payloads += 1;
    this.#finder.push(bytes, start, end);
    if (this.#firstEntry === NO_ENTRY) this.#firstEntry = this.#finder.begun.at;
    if (!isTransportStream(bytes, start, end)) {
      this.#brokenPayloads += 1;
      return;
    }
    for (let at = start; at < end; at += TS_PACKET_BYTES) {
      this.#checkContinuity(headerAt(bytes, at));
      this.#checkClock(bytes, at, position * PAYLOAD_BYTES + at - start);
    }
  }

  #checkContinuity(header: number): void {
    const pid = pidOf(header);
    if (pid === NULL_PID) return;
    const before = this.#counters.get(pid);
    const expected = before !== undefined && hasPayload(header) ? (before + 1) % 16 : before;
    const found = continuityOf(header);
    if (expected !== undefined && found !== expected) this.#continuityErrors += 1;
    this.#counters.set(pid, found);
  }

  #checkClock(bytes: Buffer, at: number, streamAt: number): void {
    const offset = pcrOffset(bytes, at, headerAt(bytes, at));
    if (offset === undefined) return;
    const pcr = readPcr(bytes, offset);
    const pid = pidOf(headerAt(bytes, at));
    const before = this.#clock;
    this.#clock = { pid, pcr, at: streamAt };
    if (before === undefined || before.pid !== pid) return;
    const passed = (pcr - before.pcr + PCR_MODULO) % PCR_MODULO;
    const expected = (streamAt - before.at) * PCR_PER_BYTE;
    if (Math.abs(passed - expected) > PCR_PER_PAYLOAD / 2) this.#gaps += 1;
  }
}
