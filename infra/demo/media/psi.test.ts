import { describe, expect, it } from 'vitest';
import { crc32Mpeg } from '../../../edge-node/mpeg-ts/crc32.ts';
import {
  headerAt,
  payloadStart,
  pidOf,
  startsUnit,
  TS_PACKET_BYTES,
} from '../../../edge-node/mpeg-ts/ts-packet.ts';
import { CLIP_NAMES, Clip, PAYLOAD_BYTES } from './clip.ts';
import { type Program, programAssociation, programMap, serviceDescription } from './psi.ts';

const program: Program = {
  number: 2,
  name: 'zato02',
  pmtPid: 0x1000,
  video: { pid: 0x100, type: 0x1b },
  audio: { pid: 0x101, type: 0x0f },
};
const tables = [
  { name: 'PAT', section: programAssociation(program), marks: 0xb000 },
  { name: 'PMT', section: programMap(program), marks: 0xb000 },
  { name: 'SDT', section: serviceDescription(program, 'someone'), marks: 0xf000 },
];

/** The bits before section_length: ISO/IEC 13818-1 has '0' after section_syntax_indicator, EN 300 468 has 1. */
describe.each(tables)('the $name', ({ section, marks }) => {
  it('has the marks of its standard, its true length and CRC', () => {
    expect(section.readUInt16BE(1)).toBe(marks | (section.length - 3));
    expect(crc32Mpeg(section)).toBe(0);
  });
});

describe.each(CLIP_NAMES)('the clip %s', (name) => {
  it('holds tables with the marks of their standard', () => {
    const payload = Clip.load(name).payload(0);
    const marks = new Map<number, number>();
    for (let at = 0; at < PAYLOAD_BYTES; at += TS_PACKET_BYTES) {
      const header = headerAt(payload, at);
      const pid = pidOf(header);
      if (!startsUnit(header) || ![0, 0x11, 0x1000].includes(pid)) continue;
      marks.set(pid, payload.readUInt16BE(payloadStart(payload, at, header) + 2) & 0xf000);
    }
    expect([...marks]).toEqual([
      [0, 0xb000],
      [0x1000, 0xb000],
      [0x11, 0xf000],
    ]);
  });
});
