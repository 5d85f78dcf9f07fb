import { PCR_HZ, PCR_PER_TICK, writePcr } from '../../../edge-node/mpeg-ts/pcr.ts';
import { writeTimestamp } from '../../../edge-node/mpeg-ts/pes-timestamps.ts';
import { NULL_PID, TS_PACKET_BYTES } from '../../../edge-node/mpeg-ts/ts-packet.ts';
import { PACKET_MS, PAYLOAD_BYTES } from './clip.ts';
import { type Program, programAssociation, programMap, serviceDescription } from './psi.ts';

/** What a decoder takes at once: a picture, or some frames of sound. */
export interface Unit {
  readonly bytes: Buffer;
  /** When it may be sent, and when it is shown: ms from the clip's start. */
  readonly fromMs: number;
  readonly shownMs: number;
  /** Decoding can start here. */
  readonly random: boolean;
}

const PER_PAYLOAD = PAYLOAD_BYTES / TS_PACKET_BYTES;
const PACKET_PCR = ((PCR_HZ / 1000) * PACKET_MS) / PER_PAYLOAD;
const PCR_EVERY_PAYLOADS = 2;
const HEADER_BYTES = 4;
const SDT_PID = 0x11;
const UNIT_START = 0x40;
const RANDOM_ACCESS = 0x40;
const PCR_PRESENT = 0x10;
const VIDEO_STREAM_ID = 0xe0;
const AUDIO_STREAM_ID = 0xc0;

/** A stream's units as PES packets, sent in order. */
class Elementary {
  readonly #units: readonly Unit[];
  readonly #streamId: number;
  #next = 0;
  #pes: Buffer = Buffer.alloc(0);
  #sent = 0;

  constructor(units: readonly Unit[], streamId: number) {
    this.#units = units;
    this.#streamId = streamId;
  }

  get unit(): Unit | undefined {
    return this.#units[this.#next];
  }

  get begun(): boolean {
    return this.#sent > 0;
  }

  /** What is left of the current unit. */
  get rest(): Buffer {
    const unit = this.unit;
    if (unit !== undefined && !this.begun) this.#pes = this.#packetize(unit);
    return this.#pes.subarray(this.#sent);
  }

  advance(bytes: number): void {
    this.#sent += bytes;
    if (this.#sent < this.#pes.length) return;
    this.#sent = 0;
    this.#next += 1;
  }

  #packetize(unit: Unit): Buffer {
    const header = Buffer.from([0, 0, 1, this.#streamId, 0, 0, 0x84, 0x80, 5, 0x20, 0, 0, 0, 0]);
    // A picture may be too long for the field: 0 says "until the next one", for video alone.
    const length = this.#streamId === AUDIO_STREAM_ID ? unit.bytes.length + header.length - 6 : 0;
    header.writeUInt16BE(length, 4);
    writeTimestamp(header, 9, Math.round((unit.shownMs * PCR_HZ) / PCR_PER_TICK / 1000));
    return Buffer.concat([header, unit.bytes]);
  }
}

interface Flags {
  readonly start?: boolean;
  readonly random?: boolean;
  readonly pcr?: number | undefined;
}

/** Joins streams to a transport stream of constant rate. */
class Multiplex {
  readonly #out: Buffer;
  readonly #continuity = new Map<number, number>();
  #count = 0;

  constructor(payloads: number) {
    this.#out = Buffer.alloc(payloads * PAYLOAD_BYTES, 0xff);
  }

  /** Packets written so far: the time, too. */
  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count * TS_PACKET_BYTES === this.#out.length;
  }

  get bytes(): Buffer {
    return this.#out;
  }

  /** Writes one packet with as much of `payload` as fits, and returns how much that was. */
  write(pid: number, payload: Uint8Array, flags: Flags = {}): number {
    const at = this.#count * TS_PACKET_BYTES;
    this.#count += 1;
    const fields = flags.random || flags.pcr !== undefined;
    const least = fields ? (flags.pcr === undefined ? 2 : 8) : 0;
    const taken = Math.min(payload.length, TS_PACKET_BYTES - HEADER_BYTES - least);
    const adaptation = TS_PACKET_BYTES - HEADER_BYTES - taken;
    const parts = (adaptation > 0 ? 0x20 : 0) | (taken > 0 ? 0x10 : 0);
    this.#out.writeUInt8(0x47, at);
    this.#out.writeUInt16BE((flags.start ? UNIT_START << 8 : 0) | pid, at + 1);
    this.#out.writeUInt8(parts | this.#nextContinuity(pid, taken > 0), at + 3);
    if (adaptation > 0) this.#out.writeUInt8(adaptation - 1, at + 4);
    if (adaptation > 1) {
      const present = flags.pcr === undefined ? 0 : PCR_PRESENT;
      this.#out.writeUInt8((flags.random ? RANDOM_ACCESS : 0) | present, at + 5);
    }
    if (flags.pcr !== undefined) writePcr(this.#out, at + 6, flags.pcr);
    this.#out.set(payload.subarray(0, taken), at + TS_PACKET_BYTES - taken);
    return taken;
  }

  /** A table: the rest of its packet is stuffing. */
  writeTable(pid: number, section: Buffer): void {
    const payload = Buffer.alloc(TS_PACKET_BYTES - HEADER_BYTES, 0xff);
    payload[0] = 0; // pointer_field: the section begins at once
    payload.set(section, 1);
    this.write(pid, payload, { start: true });
  }

  #nextContinuity(pid: number, counts: boolean): number {
    const next = this.#continuity.get(pid) ?? 0;
    if (counts) this.#continuity.set(pid, (next + 1) % 16);
    return counts ? next : (next + 15) % 16;
  }
}

/**
 * A clip of `payloads` payloads, at one per PACKET_MS. Each random access picture begins a payload, after the tables.
 * @throws RangeError where the streams do not fit: the clip must end as empty as it began, to be played in a loop
 */
export function multiplex(
  program: Program,
  videoUnits: readonly Unit[],
  audioUnits: readonly Unit[],
  payloads: number,
): Buffer {
  const mux = new Multiplex(payloads);
  const video = new Elementary(videoUnits, VIDEO_STREAM_ID);
  const audio = new Elementary(audioUnits, AUDIO_STREAM_ID);

  const send = (pid: number, stream: Elementary, unit: Unit, pcr?: number): void => {
    const start = !stream.begun;
    const flags = { start, random: start && unit.random, pcr };
    stream.advance(mux.write(pid, stream.rest, flags));
    const lateMs = (mux.count * PACKET_MS) / PER_PAYLOAD - unit.shownMs;
    if (lateMs > 0) throw new RangeError(`a unit of PID ${pid} comes ${lateMs} ms late`);
  };

  while (!mux.full) {
    const nowMs = (mux.count * PACKET_MS) / PER_PAYLOAD;
    const pcr = Math.round(mux.count * PACKET_PCR);
    const isFirst = mux.count % PER_PAYLOAD === 0;
    const isPcrDue = isFirst && (mux.count / PER_PAYLOAD) % PCR_EVERY_PAYLOADS === 0;
    const picture = video.unit !== undefined && video.unit.fromMs <= nowMs ? video.unit : undefined;
    const sound = audio.unit !== undefined && audio.unit.fromMs <= nowMs ? audio.unit : undefined;

    if (picture?.random && !video.begun) {
      if (!isFirst) mux.write(NULL_PID, Buffer.alloc(TS_PACKET_BYTES));
      else {
        mux.writeTable(0, programAssociation(program));
        mux.writeTable(program.pmtPid, programMap(program));
        send(program.video.pid, video, picture, Math.round(mux.count * PACKET_PCR));
        mux.writeTable(SDT_PID, serviceDescription(program, 'streaming-service'));
      }
    } else if (picture && (isPcrDue || !sound || picture.shownMs <= sound.shownMs)) {
      send(program.video.pid, video, picture, isPcrDue ? pcr : undefined);
    } else if (isPcrDue) {
      mux.write(program.video.pid, Buffer.alloc(0), { pcr });
    } else if (sound) {
      send(program.audio.pid, audio, sound);
    } else {
      mux.write(NULL_PID, Buffer.alloc(TS_PACKET_BYTES));
    }
  }
  if (video.unit !== undefined || audio.unit !== undefined) {
    throw new RangeError('the streams need more than the rate gives');
  }
  return mux.bytes;
}
