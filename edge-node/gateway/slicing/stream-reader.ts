import { ContinuityCounters } from '../../mpeg-ts/continuity.ts';
import { readPcr } from '../../mpeg-ts/pcr.ts';
import { PacketSync } from '../../mpeg-ts/sync.ts';
import {
  hasError,
  headerAt,
  NULL_PID,
  PAT_PID,
  pcrOffset,
  pidOf,
  TS_PACKET_BYTES,
} from '../../mpeg-ts/ts-packet.ts';
import { ProgramFilter } from './program-filter.ts';
import { ProgramTables } from './program-tables.ts';
import type { StreamSink } from './stream-sink.ts';

const NOWHERE = -1;

/**
 * Reads the bytes of an input as a transport stream: finds its packets, its clock (that of the first program of its
 * PAT, or of the program asked for) and its flaws, and hands all packets on unchanged. Errors that the receiver marked,
 * counters that do not go on and lost alignment are told as losses.
 */
export class StreamReader {
  readonly #sink: StreamSink;
  readonly #filter: ProgramFilter | undefined;
  readonly tables: ProgramTables;
  readonly #continuity = new ContinuityCounters();
  #sync = this.#newSync();
  #nowMs = 0;
  /** The bytes that `push` was called with: packets in them may wait for the next one, to be handed on in one piece. */
  #piece: Buffer | undefined;
  #spanStart = 0;
  #spanEnd = 0;
  /** Where the next packet is due in the stream; NOWHERE after a gap. */
  #nextAt = NOWHERE;
  packets = 0;
  errorPackets = 0;
  continuityErrors = 0;
  syncLosses = 0;
  pcrs = 0;

  /** @param program to be taken out of a stream of several */
  constructor(sink: StreamSink, program?: number) {
    this.#sink = sink;
    this.#filter = program === undefined ? undefined : new ProgramFilter(program);
    this.tables = new ProgramTables(program, this.#filter);
  }

  push(bytes: Buffer, start: number, end: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#piece = bytes;
    this.#spanStart = this.#spanEnd = start;
    this.#sync.push(bytes, start, end);
    this.#sendSpan();
    this.#piece = undefined;
  }

  /** Bytes are missing: the part of a packet that was held is dropped. */
  gap(): void {
    this.#sync = this.#newSync();
    this.#nextAt = NOWHERE;
    this.#continuity.reset();
    this.#sink.loss();
  }

  #newSync(): PacketSync {
    return new PacketSync((bytes, at, streamAt) => this.#onPacket(bytes, at, streamAt));
  }

  #onPacket(bytes: Buffer, at: number, streamAt: number): void {
    this.packets += 1;
    if (this.#nextAt !== NOWHERE && streamAt !== this.#nextAt) {
      this.syncLosses += 1;
      this.#lose();
    }
    this.#nextAt = streamAt + this.#sync.strideBytes;

    const header = headerAt(bytes, at);
    const pid = pidOf(header);
    if (hasError(header)) {
      this.errorPackets += 1;
      this.#lose();
    } else if (pid !== NULL_PID) {
      const isKept = this.#filter === undefined || this.#filter.keeps(pid);
      if (isKept && this.#continuity.tellsLoss(bytes, at, header, pid)) {
        this.continuityErrors += 1;
        this.#lose();
      }
      if (this.tables.isTablePid(pid)) this.tables.push(bytes, at, header, pid, this.#nowMs);
      if (pid === this.tables.pcrPid) this.#readPcr(bytes, at, header);
    }
    if (this.#filter === undefined) this.#pass(bytes, at);
    else this.#passFiltered(this.#filter, bytes, at, header, pid);
  }

  #passFiltered(filter: ProgramFilter, bytes: Buffer, at: number, header: number, pid: number) {
    if (hasError(header)) return;
    if (pid === PAT_PID) {
      const packet = filter.patPacket(header);
      if (packet) this.#pass(packet, 0);
    } else if (filter.keeps(pid)) this.#pass(bytes, at);
  }

  #readPcr(bytes: Buffer, at: number, header: number): void {
    const offset = pcrOffset(bytes, at, header);
    if (offset === undefined) return;
    this.pcrs += 1;
    this.#sendSpan();
    this.#sink.pcr(readPcr(bytes, offset), this.#nowMs);
  }

  #lose(): void {
    this.#sendSpan();
    this.#sink.loss();
  }

  /** Packets that are next to each other are handed on in one piece. */
  #pass(bytes: Buffer, at: number): void {
    if (bytes !== this.#piece) {
      this.#sendSpan();
      this.#sink.bytes(bytes, at, at + TS_PACKET_BYTES, this.#nowMs);
      return;
    }
    if (at !== this.#spanEnd) {
      this.#sendSpan();
      this.#spanStart = at;
    }
    this.#spanEnd = at + TS_PACKET_BYTES;
  }

  #sendSpan(): void {
    if (this.#piece === undefined || this.#spanEnd === this.#spanStart) return;
    this.#sink.bytes(this.#piece, this.#spanStart, this.#spanEnd, this.#nowMs);
    this.#spanStart = this.#spanEnd;
  }
}
