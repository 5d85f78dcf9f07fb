/** The tables that name what is in a transport stream, each as the payload of one TS packet. */

/** CRC-32/MPEG-2: not the reflected one of zlib. */
function crc32Mpeg(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}

const pair = (value: number): [number, number] => [value >> 8, value & 0xff];
const pid = (value: number): [number, number] => pair(0xe000 | value);
const sized = (value: number): [number, number] => pair(0xf000 | value);

function table(tableId: number, id: number, body: readonly number[]): Buffer {
  const length = 5 + body.length + 4;
  const head = [tableId, ...sized(length), ...pair(id), 0xc1, 0, 0];
  const section = Buffer.from([...head, ...body]);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32Mpeg(section));
  return Buffer.concat([Buffer.of(0), section, crc]); // 0: the section begins at once
}

export interface Program {
  readonly number: number;
  readonly name: string;
  readonly pmtPid: number;
  /** Its video carries the PCR. */
  readonly video: Stream;
  readonly audio: Stream;
}

export interface Stream {
  readonly pid: number;
  /** ISO/IEC 13818-1, table 2-34. */
  readonly type: number;
}

const TRANSPORT_STREAM_ID = 1;

export function programAssociation(program: Program): Buffer {
  return table(0x00, TRANSPORT_STREAM_ID, [...pair(program.number), ...pid(program.pmtPid)]);
}

export function programMap(program: Program): Buffer {
  const streams = [program.video, program.audio];
  const listed = streams.flatMap((stream) => [stream.type, ...pid(stream.pid), ...sized(0)]);
  return table(0x02, program.number, [...pid(program.video.pid), ...sized(0), ...listed]);
}

/** The channel's name, as players show it (ETSI EN 300 468, service descriptor). */
export function serviceDescription(program: Program, provider: string): Buffer {
  const text = (value: string): number[] => [value.length, ...Buffer.from(value, 'latin1')];
  const service = [0x01, ...text(provider), ...text(program.name)];
  const descriptor = [0x48, service.length, ...service];
  const running = pair(0x8000 | descriptor.length);
  const entry = [...pair(program.number), 0xfc, ...running, ...descriptor];
  return table(0x42, TRANSPORT_STREAM_ID, [...pair(1), 0xff, ...entry]);
}
