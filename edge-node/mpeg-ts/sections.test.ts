import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32Mpeg } from './crc32.ts';
import { packetizeSection } from './packetize.ts';
import { encodeSection, SECTION_MAX_BYTES, SectionReader, tableExtensionOf } from './sections.ts';
import { packet } from './testing/mpeg-ts-rig.ts';
import { headerAt, TS_PACKET_BYTES } from './ts-packet.ts';

const PID = 0x100;

function read(stream: Buffer, reader?: SectionReader): Buffer[] {
  const sections: Buffer[] = [];
  const own =
    reader ??
    new SectionReader((section, length) => sections.push(Buffer.from(section.subarray(0, length))));
  for (let at = 0; at < stream.length; at += TS_PACKET_BYTES) {
    own.push(stream, at, headerAt(stream, at));
  }
  return sections;
}

const table = (extension: number, bytes: number): Buffer =>
  encodeSection({ tableId: 0x42, extension, body: Buffer.alloc(bytes, extension % 251) });

describe('CRC-32/MPEG-2', () => {
  it('has the check value that its definition gives', () => {
    expect(crc32Mpeg(Buffer.from('123456789'))).toBe(0x0376e6e7);
  });

  it('is 0 over a section together with its own', () => {
    // The PAT of a public capture.
    const captured = Buffer.from('00b00d0001c100000001f0002ab104b2', 'hex');
    expect(crc32Mpeg(captured)).toBe(0);
    captured[10] = 0x02;
    expect(crc32Mpeg(captured)).not.toBe(0);
  });
});

describe('a section', () => {
  it('is read in one packet or in many, up to the 4 KiB that its length allows', () => {
    for (const bytes of [0, 1, 171, 172, 173, 500, 2000, SECTION_MAX_BYTES - 12]) {
      const section = table(7, bytes);
      expect(read(packetizeSection(PID, section, 9))).toEqual([section]);
    }
    expect(() => table(7, SECTION_MAX_BYTES - 11)).toThrow(RangeError);
  });

  it('that is said to be longer is passed over', () => {
    const section = table(7, 3000);
    section.writeUInt16BE(0xbfff, 1);
    const after = table(8, 10);
    const stream = [packetizeSection(PID, section, 0), packetizeSection(PID, after, 1)];
    expect(read(Buffer.concat(stream))).toEqual([after]);
  });

  it('may share its packet with others, and begin where another ends', () => {
    const sections = [table(1, 10), table(2, 20), table(3, 270), table(4, 5)];
    const payload = Buffer.concat(sections);
    const room = 183;
    const tail = payload.length - room;
    const first = packet({
      pid: PID,
      start: true,
      payload: Buffer.concat([Buffer.of(0), payload.subarray(0, room)]),
    });
    const inLast = sections[3]!.length;
    const second = packet({
      pid: PID,
      start: true,
      continuity: 1,
      payload: Buffer.concat([Buffer.of(tail - inLast), payload.subarray(room)]),
    });
    expect(read(Buffer.concat([first, second]))).toEqual(sections);
  });

  it('is not handed on with a wrong CRC, nor without one', () => {
    const section = table(5, 30);
    section[15]! ^= 1;
    expect(read(packetizeSection(PID, section, 0))).toEqual([]);
    const short = Buffer.from([0x70, 0x30, 0x05, 1, 2, 3, 4, 5]);
    expect(read(packetizeSection(PID, short, 0))).toEqual([]);
    const tiny = Buffer.from([0x42, 0xb0, 0x02, 1, 2]);
    expect(read(packetizeSection(PID, tiny, 0))).toEqual([]);
  });

  it('is read though every packet of it comes twice', () => {
    const section = table(6, 700);
    const packets = packetizeSection(PID, section, 14);
    const twice = Array.from({ length: packets.length / 188 }, (_, index) => {
      const one = packets.subarray(index * 188, index * 188 + 188);
      return Buffer.concat([one, one]);
    });
    expect(read(Buffer.concat(twice))).toEqual([section]);
  });

  it('is read each time where a sender never moves its counter', () => {
    const section = table(6, 20);
    const packets = packetizeSection(PID, section, 0);
    expect(read(Buffer.concat([packets, packets, packets]))).toEqual([section, section, section]);
  });

  it('of which a packet is missing, damaged or scrambled is dropped, and the next one read', () => {
    const cut = packetizeSection(PID, table(1, 700), 0);
    const next = packetizeSection(PID, table(2, 700), 4);
    const missing = Buffer.concat([cut.subarray(0, 188), cut.subarray(376)]);
    const damaged = Buffer.from(cut);
    damaged[188 + 1]! |= 0x80;
    const scrambled = Buffer.from(cut);
    scrambled[188 + 3]! |= 0x80;
    for (const first of [missing, damaged, scrambled]) {
      expect(read(Buffer.concat([first, next])).map(tableExtensionOf)).toEqual([2]);
    }
  });

  it('is never made of pieces of two', () => {
    const [a, b] = [
      packetizeSection(PID, table(1, 300), 0),
      packetizeSection(PID, table(2, 300), 2),
    ];
    expect(read(Buffer.concat([a.subarray(0, 188), b.subarray(188)]))).toEqual([]);
  });

  it('under way is forgotten by a reset', () => {
    const sections: number[] = [];
    const reader = new SectionReader((section) => sections.push(tableExtensionOf(section)));
    const packets = packetizeSection(PID, table(1, 300), 0);
    read(packets.subarray(0, 188), reader);
    expect(reader.openPackets).toBe(1);
    reader.reset();
    read(packets.subarray(188), reader);
    expect([reader.openPackets, sections]).toEqual([0, []]);
  });
});

describe('any packets of a PID', () => {
  it('give only sections whose CRC is right, and never throw', () => {
    const clean = fc.nat(400).map((bytes) => packetizeSection(PID, table(bytes, bytes), 0));
    const noise = fc
      .uint8Array({ minLength: 188, maxLength: 188 })
      .map((bytes) => Buffer.from([0x47, ...bytes.slice(1)]));
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });
    const hostile = fc.tuple(fc.oneof(clean, noise), damage).map(([bytes, hits]) => {
      const damaged = Buffer.from(bytes);
      for (const [at, value] of hits) damaged[at % damaged.length] = value;
      return damaged;
    });
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 20 }), (packets) => {
        for (const section of read(Buffer.concat(packets))) {
          expect(section.length).toBeLessThanOrEqual(SECTION_MAX_BYTES);
          expect(crc32Mpeg(section)).toBe(0);
        }
      }),
      { numRuns: 300 },
    );
  });
});
