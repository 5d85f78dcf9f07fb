import { describe, expect, it } from 'vitest';
import { encodeSection } from './sections.ts';
import { encodePat, encodePmt, PROGRAMS_MAX, readPat, readPmt } from './tables.ts';

describe('the program association table', () => {
  it('is what the standard says, bit by bit', () => {
    const section = encodePat(1, [{ program: 1, pmtPid: 0x1000 }]);
    expect(section.toString('hex')).toBe('00b00d0001c100000001f0002ab104b2');
  });

  it('lists programs, but not the network, and keeps no more than its bound', () => {
    const section = encodePat(5, [
      { program: 0, pmtPid: 0x10 },
      { program: 7, pmtPid: 0x100 },
      { program: 65_535, pmtPid: 0x1ffe },
    ]);
    expect(readPat(section, section.length)).toEqual({
      transportStreamId: 5,
      sectionNumber: 0,
      lastSectionNumber: 0,
      programs: [
        { program: 7, pmtPid: 0x100 },
        { program: 65_535, pmtPid: 0x1ffe },
      ],
    });
    const many = encodePat(
      1,
      Array.from({ length: 250 }, (_, index) => ({ program: index + 1, pmtPid: 32 + index })),
    );
    expect(readPat(many, many.length)?.programs).toHaveLength(PROGRAMS_MAX);
  });

  it('is none where it is another table, or for later', () => {
    const body = Uint8Array.from([0, 1, 0xe1, 0]);
    const later = encodeSection({ tableId: 0, extension: 1, body, isCurrent: false });
    expect(readPat(later, later.length)).toBeUndefined();
    const other = encodeSection({ tableId: 1, extension: 1, body });
    expect(readPat(other, other.length)).toBeUndefined();
  });
});

describe('the program map table', () => {
  const pmt = {
    program: 3,
    pcrPid: 0x101,
    streams: [
      { type: 0x1b, pid: 0x101, descriptors: new Uint8Array() },
      { type: 0x06, pid: 0x102, descriptors: Uint8Array.from([0x05, 4, 72, 69, 86, 67]) },
    ],
  };

  it('lists streams with their descriptors', () => {
    const section = encodePmt(pmt);
    expect(section.readUInt16BE(1) & 0xf000).toBe(0xb000);
    expect(readPmt(section, section.length)).toEqual(pmt);
  });

  it('that promises more than it holds gives what it holds', () => {
    const section = encodePmt(pmt);
    section.writeUInt16BE(0xf0ff, section.length - 4 - 6 - 2);
    expect(readPmt(section, section.length)).toEqual(pmt);
    section.writeUInt16BE(0xffff, 10);
    expect(readPmt(section, section.length)?.streams).toEqual([]);
  });

  it('is none where it is too short, another table, or for later', () => {
    const short = encodeSection({
      tableId: 2,
      extension: 1,
      body: Uint8Array.from([0xe1, 0, 0xf0]),
    });
    expect(readPmt(short, short.length)).toBeUndefined();
    const body = Uint8Array.from([0xe1, 0, 0xf0, 0]);
    const later = encodeSection({ tableId: 2, extension: 1, body, isCurrent: false });
    expect(readPmt(later, later.length)).toBeUndefined();
    const pat = encodePat(1, []);
    expect(readPmt(pat, pat.length)).toBeUndefined();
  });
});
