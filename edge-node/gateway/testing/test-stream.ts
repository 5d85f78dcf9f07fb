import { packetizeSection } from '../../mpeg-ts/packetize.ts';
import { PCR_HZ, PCR_MODULO, writePcr } from '../../mpeg-ts/pcr.ts';
import { encodePat, encodePmt } from '../../mpeg-ts/tables.ts';
import { TS_PACKET_BYTES } from '../../mpeg-ts/ts-packet.ts';

const H264 = 0x1b;

export interface TestStreamOptions {
  readonly pcrEveryMs?: number;
  /** Packets from one PCR to the next, its own included. */
  readonly packets?: number;
  readonly firstMs?: number;
  readonly program?: number;
  /** Tells the bytes of one stream from those of another. */
  readonly mark?: number;
}

/** A transport stream of one program as an encoder sends it, of which every packet is different. */
export class TestStream {
  readonly program: number;
  readonly pmtPid: number;
  readonly videoPid: number;
  readonly #options: Required<TestStreamOptions>;
  readonly #continuity = new Map<number, number>();
  #made = 0;
  #units = 0;

  constructor(options: TestStreamOptions = {}) {
    this.#options = {
      ...{ pcrEveryMs: 40, packets: 7, firstMs: 60_000, program: 1, mark: 0 },
      ...options,
    };
    this.program = this.#options.program;
    this.pmtPid = 0x1000 + this.program;
    this.videoPid = 0x100 + this.program;
  }

  /** PAT of these programs, and the map of this one. */
  tables(programs: readonly TestStream[] = [this]): Buffer {
    const entries = programs.map(({ program, pmtPid }) => ({ program, pmtPid }));
    return Buffer.concat([this.#section(0, encodePat(1, entries)), this.map()]);
  }

  map(): Buffer {
    const { program, videoPid } = this;
    const streams = [{ type: H264, pid: videoPid, descriptors: Buffer.alloc(0) }];
    return this.#section(this.pmtPid, encodePmt({ program, pcrPid: videoPid, streams }));
  }

  /** What is sent from one PCR to the next. */
  unit(): Buffer {
    const { packets, pcrEveryMs, firstMs } = this.#options;
    const pcrMs = firstMs + this.#units * pcrEveryMs;
    this.#units += 1;
    const all = Array.from({ length: packets }, (_, index) =>
      this.#packet(index === 0 ? pcrMs : undefined),
    );
    return Buffer.concat(all);
  }

  units(count: number): Buffer[] {
    return Array.from({ length: count }, () => this.unit());
  }

  #packet(pcrMs: number | undefined): Buffer {
    const packet = Buffer.alloc(TS_PACKET_BYTES, this.#options.mark);
    packet.writeUInt8(0x47, 0);
    packet.writeUInt16BE(this.videoPid, 1);
    packet.writeUInt8((pcrMs === undefined ? 0x10 : 0x30) | this.#next(this.videoPid), 3);
    packet.writeUInt32BE(this.#made, 20);
    this.#made += 1;
    if (pcrMs === undefined) return packet;
    packet.writeUInt8(7, 4);
    packet.writeUInt8(0x10, 5);
    writePcr(packet, 6, Math.round((pcrMs * PCR_HZ) / 1000) % PCR_MODULO);
    return packet;
  }

  #section(pid: number, section: Buffer): Buffer {
    return packetizeSection(pid, section, this.#next(pid));
  }

  #next(pid: number): number {
    const continuity = ((this.#continuity.get(pid) ?? -1) + 1) & 0x0f;
    this.#continuity.set(pid, continuity);
    return continuity;
  }
}

export interface RtpFields {
  readonly sequence: number;
  readonly ssrc?: number;
  readonly csrcs?: number;
  /** Words of an extension. */
  readonly extension?: number;
  readonly padding?: number;
  readonly type?: number;
}

export function rtpPacket(payload: Buffer, fields: RtpFields): Buffer {
  const { sequence, ssrc = 7, csrcs = 0, extension, padding = 0, type = 33 } = fields;
  const header = Buffer.alloc(12 + 4 * csrcs);
  const flags = 0x80 | (padding > 0 ? 0x20 : 0) | (extension === undefined ? 0 : 0x10) | csrcs;
  header.writeUInt8(flags, 0);
  header.writeUInt8(type, 1);
  header.writeUInt16BE(sequence & 0xffff, 2);
  header.writeUInt32BE(ssrc, 8);
  const words = Buffer.alloc(extension === undefined ? 0 : 4 + 4 * extension);
  if (extension !== undefined) words.writeUInt16BE(extension, 2);
  return Buffer.concat([header, words, payload, Buffer.alloc(padding, padding)]);
}
