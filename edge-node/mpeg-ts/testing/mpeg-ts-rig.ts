import { packetizeSection } from '../packetize.ts';
import { encodePat, encodePmt } from '../tables.ts';
import { TS_PACKET_BYTES } from '../ts-packet.ts';

/** Transport streams for tests, with true counters and CRCs. */

interface Fields {
  pid: number;
  payload?: Uint8Array;
  start?: boolean;
  continuity?: number;
  randomAccess?: boolean;
  scrambled?: boolean;
  error?: boolean;
}

/** One packet; what the payload leaves over is stuffing in the adaptation field, as 13818-1 has it. */
export function packet(fields: Fields): Buffer {
  const { pid, payload = new Uint8Array(0), start = false, continuity = 0 } = fields;
  const bytes = Buffer.alloc(TS_PACKET_BYTES, 0xff);
  const adaptation = payload.length < 184;
  bytes.writeUInt8(0x47, 0);
  bytes.writeUInt16BE((fields.error ? 0x8000 : 0) | (start ? 0x4000 : 0) | pid, 1);
  const present = (adaptation ? 0x20 : 0) | (payload.length > 0 ? 0x10 : 0);
  bytes.writeUInt8((fields.scrambled ? 0x80 : 0) | present | continuity, 3);
  if (adaptation) bytes.writeUInt8(183 - payload.length, 4);
  if (payload.length < 183) bytes.writeUInt8(fields.randomAccess ? 0x40 : 0, 5);
  bytes.set(payload, TS_PACKET_BYTES - payload.length);
  return bytes;
}

export const PMT_PID = 0x1000;
export const VIDEO_PID = 0x100;
export const SOUND_PID = 0x101;

/** stream_type. */
export const PRIVATE = 0x06;
export const AAC = 0x0f;
export const H264 = 0x1b;
export const VC1 = 0xea;

const stuffed = (...bytes: number[]): Buffer => Buffer.from(bytes);
const filler = (bytes: number): Buffer => Buffer.alloc(bytes, 0x55);
const CODE = [0, 0, 1];

/** NAL units of H.264, each behind its start code, and pictures made of them. */
export const h264 = {
  delimiter: stuffed(0, ...CODE, 0x09, 0xf0),
  sps: stuffed(0, ...CODE, 0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9),
  pps: stuffed(...CODE, 0x68, 0xee, 0x3c, 0x80),
  /** A message of 6 bytes (captions, say), then a recovery point. */
  recoveryPoint: stuffed(...CODE, 0x06, 4, 6, 1, 2, 3, 4, 5, 6, 6, 1, 0xc4, 0x80),
  /** first_mb_in_slice 0, slice_type 7: all are I. */
  idr: Buffer.concat([stuffed(...CODE, 0x65, 0x88, 0x84), filler(400)]),
  allI: Buffer.concat([stuffed(...CODE, 0x41, 0x88, 0x84), filler(300)]),
  /** slice_type 2: I, but what of the others? */
  i: Buffer.concat([stuffed(...CODE, 0x41, 0xb0, 0x84), filler(300)]),
  /** first_mb_in_slice 1, slice_type 2, and 0. */
  nextI: Buffer.concat([stuffed(...CODE, 0x41, 0x4c, 0x84), filler(100)]),
  nextP: Buffer.concat([stuffed(...CODE, 0x41, 0x58, 0x84), filler(100)]),
  /** slice_type 5: all are P. */
  p: Buffer.concat([stuffed(...CODE, 0x41, 0x9a, 0x84), filler(200)]),
};
export const h264Key = Buffer.concat([h264.delimiter, h264.sps, h264.pps, h264.idr]);
export const h264Picture = Buffer.concat([h264.delimiter, h264.p]);

export const hevc = {
  delimiter: stuffed(0, ...CODE, 0x46, 0x01, 0x50),
  parameters: stuffed(...CODE, 0x40, 0x01, 0x0c, ...CODE, 0x42, 0x01, 0x01, ...CODE, 0x44, 0x01, 1),
  /** CRA, IDR, and a trailing picture; first_slice_segment_in_pic_flag set. */
  cra: Buffer.concat([stuffed(...CODE, 0x2a, 0x01, 0x80), filler(300)]),
  idr: Buffer.concat([stuffed(...CODE, 0x26, 0x01, 0x80), filler(300)]),
  trail: Buffer.concat([stuffed(...CODE, 0x02, 0x01, 0x80), filler(300)]),
  /** The same picture's next slice. */
  nextTrail: Buffer.concat([stuffed(...CODE, 0x02, 0x01, 0x40), filler(100)]),
};

export const mpeg2 = {
  sequence: stuffed(...CODE, 0xb3, 0x2d, 0x02, 0x40, 0x33, 0xff, 0xff, 0xe0, 0x18),
  group: stuffed(...CODE, 0xb8, 0x00, 0x08, 0x00, 0x40),
  /** picture_coding_type 1 and 2, and a slice. */
  i: Buffer.concat([stuffed(...CODE, 0x00, 0x00, 0x0f, 0xff, 0xf8, ...CODE, 0x01), filler(300)]),
  p: Buffer.concat([stuffed(...CODE, 0x00, 0x00, 0x57, 0xff, 0xf8, ...CODE, 0x01), filler(300)]),
};

/** A PES packet with a PTS and, as senders may, bytes of stuffing in its header. */
export function pes(streamId: number, stream: Uint8Array, stuffing = 0): Buffer {
  const header = [0, 0, 1, streamId, 0, 0, 0x84, 0x80, 5 + stuffing, 0x21, 0, 1, 0, 1];
  return Buffer.concat([Buffer.from(header), Buffer.alloc(stuffing, 0xff), stream]);
}

interface PesOptions {
  readonly randomAccess?: boolean;
  readonly scrambled?: boolean;
  readonly streamId?: number;
  /** Bytes of payload in a packet, and of stuffing in the PES header. */
  readonly perPacket?: number;
  readonly stuffing?: number;
}

export type Stream = readonly [type: number, pid: number, descriptors?: readonly number[]];
export type Programs = readonly (readonly [program: number, pmtPid: number])[];

export function pmtSection(streams: readonly Stream[], program = 1, version = 0): Buffer {
  const listed = streams.map(([type, pid, descriptors = []]) => ({
    type,
    pid,
    descriptors: Uint8Array.from(descriptors),
  }));
  return encodePmt({ program, pcrPid: VIDEO_PID, streams: listed }, version);
}

export function patSection(...programs: Programs): Buffer {
  return encodePat(
    1,
    programs.map(([program, pmtPid]) => ({ program, pmtPid })),
  );
}

/** Writes one transport stream: each call gives the next packets of it. */
export class TestStream {
  readonly #counters = new Map<number, number>();

  section(pid: number, section: Buffer): Buffer {
    const packets = packetizeSection(pid, section, this.#next(pid));
    this.#counters.set(pid, this.#next(pid) + packets.length / TS_PACKET_BYTES);
    return packets;
  }

  pat(...programs: Programs): Buffer {
    return this.section(
      0,
      patSection(...(programs.length > 0 ? programs : ([[1, PMT_PID]] as const))),
    );
  }

  /** One program of H.264 and AAC, unless other streams are given. */
  pmt(
    streams: readonly Stream[] = [
      [H264, VIDEO_PID],
      [AAC, SOUND_PID],
    ],
  ): Buffer {
    return this.section(PMT_PID, pmtSection(streams));
  }

  pes(pid: number, stream: Uint8Array, options: PesOptions = {}): Buffer {
    const { streamId = 0xe0, perPacket = 184, stuffing = 0, randomAccess, scrambled } = options;
    const bytes = pes(streamId, stream, stuffing);
    const packets: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const start = at === 0;
      // The flags need two bytes.
      const room = start && randomAccess ? Math.min(perPacket, 182) : perPacket;
      const continuity = this.#next(pid) & 15;
      const flags = { start, continuity, scrambled: scrambled ?? false };
      const payload = bytes.subarray(at, at + room);
      packets.push(
        packet({ pid, payload, randomAccess: (start && randomAccess) ?? false, ...flags }),
      );
      this.#counters.set(pid, continuity + 1);
      at += room;
    }
    return Buffer.concat(packets);
  }

  video(stream: Uint8Array, options: PesOptions = {}): Buffer {
    return this.pes(VIDEO_PID, stream, options);
  }

  sound(options: PesOptions = {}): Buffer {
    return this.pes(SOUND_PID, filler(120), { streamId: 0xc0, ...options });
  }

  /** A packet of this PID is lost. */
  lose(pid: number): void {
    this.#counters.set(pid, this.#next(pid) + 1);
  }

  #next(pid: number): number {
    return this.#counters.get(pid) ?? 0;
  }
}

/** Packets that nobody reads, after which those before have been found. */
export const nothing = Buffer.concat(
  Array.from({ length: 8 }, () => packet({ pid: 0x1fff, payload: filler(184) })),
);
