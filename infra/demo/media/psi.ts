import { encodeSection } from '../../../edge-node/mpeg-ts/sections.ts';
import { encodePat, encodePmt } from '../../../edge-node/mpeg-ts/tables.ts';

/** The tables that name what is in a clip, each as one section. */

const TRANSPORT_STREAM_ID = 1;
const NETWORK_ID = 1;
const SDT_TABLE_ID = 0x42;
const SERVICE_DESCRIPTOR = 0x48;
const DIGITAL_TELEVISION = 0x01;
/** No EIT; running_status 4, running; free. */
const RUNNING = 0x8000;

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

export function programAssociation({ number, pmtPid }: Program): Buffer {
  return encodePat(TRANSPORT_STREAM_ID, [{ program: number, pmtPid }]);
}

export function programMap({ number, video, audio }: Program): Buffer {
  const descriptors = new Uint8Array();
  const streams = [video, audio].map((stream) => ({ ...stream, descriptors }));
  return encodePmt({ program: number, pcrPid: video.pid, streams });
}

const pair = (value: number): [number, number] => [value >> 8, value & 0xff];

/** The channel's name, as players show it (ETSI EN 300 468, 5.2.3 and 6.2.33). */
export function serviceDescription(program: Program, provider: string): Buffer {
  const text = (value: string): number[] => [value.length, ...Buffer.from(value, 'latin1')];
  const service = [DIGITAL_TELEVISION, ...text(provider), ...text(program.name)];
  const descriptor = [SERVICE_DESCRIPTOR, service.length, ...service];
  const entry = [...pair(program.number), 0xfc, ...pair(RUNNING | descriptor.length)];
  const body = Uint8Array.from([...pair(NETWORK_ID), 0xff, ...entry, ...descriptor]);
  const extension = TRANSPORT_STREAM_ID;
  return encodeSection({ tableId: SDT_TABLE_ID, extension, body, privateBit: 1 });
}
