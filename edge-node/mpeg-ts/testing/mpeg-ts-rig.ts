import { TS_PACKET_BYTES } from '../ts-packet.ts';

/** Transport streams for tests: one program, its tables, pictures and sound. */

export const PMT = 0x1000;
export const VIDEO = 0x100;
export const AUDIO = 0x101;
export const H264 = 0x1b;
export const AAC = 0x0f;

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

function section(table: number, id: number, body: number[], current = true): number[] {
  const length = 5 + body.length + 4;
  const head = [table, 0xb0 | (length >> 8), length & 0xff, id >> 8, id & 0xff];
  return [...head, 0xc0 | (current ? 1 : 0), 0, 0, ...body, 0, 0, 0, 0];
}

const pid16 = (pid: number): number[] => [0xe0 | (pid >> 8), pid & 0xff];

export type Stream = readonly [type: number, pid: number];
export const patSection = (...programs: Stream[]): number[] =>
  section(
    0,
    1,
    programs.flatMap(([program, pid]) => [program >> 8, program & 0xff, ...pid16(pid)]),
  );
export function pmtSection(
  streams: readonly Stream[],
  program = 1,
  current = true,
  padding = 0,
): number[] {
  const descriptors = [0xf0 | (padding >> 8), padding & 0xff, ...new Array(padding).fill(0x55)];
  const listed = streams.flatMap(([type, pid]) => [type, ...pid16(pid), 0xf0, 0]);
  return section(2, program, [...pid16(VIDEO), ...descriptors, ...listed], current);
}

export function psi(pid: number, ...sections: number[][]): Buffer {
  const payload = Uint8Array.from([0, ...sections.flat()]);
  return packet({ pid, start: true, payload });
}
export const pat = psi(0, patSection([1, PMT]));
export const pmt = psi(
  PMT,
  pmtSection([
    [AAC, AUDIO],
    [H264, VIDEO],
  ]),
);
export const key = packet({
  pid: VIDEO,
  start: true,
  randomAccess: true,
  payload: Buffer.alloc(100),
});
export const picture = packet({ pid: VIDEO, payload: Buffer.alloc(184) });
export const sound = packet({
  pid: AUDIO,
  start: true,
  randomAccess: true,
  payload: Buffer.alloc(9),
});

/** Cuts a long section into packets of its PID. */
export function spanning(pid: number, bytes: number[], firstContinuity = 0): Buffer[] {
  const whole = Uint8Array.from([0, ...bytes]);
  const cuts = Array.from({ length: Math.ceil(whole.length / 184) }, (_, index) => index);
  return cuts.map((index) =>
    packet({
      pid,
      start: index === 0,
      continuity: (firstContinuity + index) & 15,
      payload: whole.subarray(index * 184, (index + 1) * 184),
    }),
  );
}
