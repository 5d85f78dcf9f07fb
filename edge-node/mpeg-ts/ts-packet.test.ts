import { describe, expect, it } from 'vitest';
import { PCR_MODULO, readPcr, writePcr } from './pcr.ts';
import { packet } from './testing/mpeg-ts-rig.ts';
import {
  continuityOf,
  followsOn,
  hasError,
  hasPayload,
  isDiscontinuity,
  isRandomAccess,
  isRepeat,
  isScrambled,
  isTransportStream,
  NO_CONTINUITY,
  payloadStart,
  pcrOffset,
  pidOf,
  startsUnit,
  TS_PACKET_BYTES,
} from './ts-packet.ts';

/** A packet of a header and what follows it, the rest 0xff. */
function raw(header: number, ...rest: number[]): Buffer {
  const bytes = Buffer.alloc(TS_PACKET_BYTES, 0xff);
  bytes.writeUInt32BE(header);
  bytes.set(rest, 4);
  return bytes;
}

describe('the header of a packet', () => {
  it('says what its bits say', () => {
    const plain = 0x47_1a_bc_15;
    expect([pidOf(plain), continuityOf(plain), hasPayload(plain)]).toEqual([0x1abc, 5, true]);
    expect([hasError(plain), startsUnit(plain), isScrambled(plain)]).toEqual([false, false, false]);
    const marked = 0x47_e0_00_a7;
    expect([hasError(marked), startsUnit(marked), isScrambled(marked)]).toEqual([true, true, true]);
    expect([pidOf(marked), hasPayload(marked)]).toEqual([0, false]);
  });
});

describe('the adaptation field', () => {
  it('ends where the payload begins, and may say what cannot be', () => {
    const starts = (header: number, ...rest: number[]) =>
      payloadStart(raw(header, ...rest), 0, header);
    expect(starts(0x47_01_00_10, 50)).toBe(4);
    expect(starts(0x47_01_00_30, 0)).toBe(5);
    expect(starts(0x47_01_00_30, 183)).toBe(188);
    expect(starts(0x47_01_00_30, 255)).toBeGreaterThan(188);
  });

  it('holds flags only where it is long enough, and exists', () => {
    const flags = (header: number, ...rest: number[]) => {
      const bytes = raw(header, ...rest);
      return [isDiscontinuity(bytes, 0, header), isRandomAccess(bytes, 0, header)];
    };
    expect(flags(0x47_01_00_30, 1, 0x80)).toEqual([true, false]);
    expect(flags(0x47_01_00_30, 1, 0x40)).toEqual([false, true]);
    expect(flags(0x47_01_00_20, 183, 0xc0)).toEqual([true, true]);
    expect(flags(0x47_01_00_10, 1, 0xc0)).toEqual([false, false]);
    expect(flags(0x47_01_00_30, 0, 0xc0)).toEqual([false, false]);
    expect(flags(0x47_01_00_30, 184, 0xc0)).toEqual([false, false]);
  });

  it('holds a clock reference only where it has the room', () => {
    const offset = (...rest: number[]) => pcrOffset(raw(0x47_01_00_30, ...rest), 0, 0x47_01_00_30);
    expect(offset(7, 0x10)).toBe(6);
    expect(offset(6, 0x10)).toBeUndefined();
    expect(offset(7, 0x40)).toBeUndefined();
  });
});

describe('the clock reference', () => {
  it('is read as the standard lays it out: 33 bits of 90 kHz, six bits, nine of 27 MHz', () => {
    expect(readPcr(Buffer.from([0x12, 0x34, 0x56, 0x78, 0xfe, 0x2b]), 0)).toBe(
      (0x12345678 * 2 + 1) * 300 + 0x2b,
    );
  });

  it('comes round after 2^33 × 300, past what 32 bits hold', () => {
    const bytes = Buffer.alloc(6);
    writePcr(bytes, 0, PCR_MODULO - 1);
    expect(readPcr(bytes, 0)).toBe(PCR_MODULO - 1);
    writePcr(bytes, 0, PCR_MODULO + 7);
    expect(readPcr(bytes, 0)).toBe(7);
  });
});

describe('the continuity counter', () => {
  const withPayload = (continuity: number) => 0x47_01_00_10 | continuity;
  const without = (continuity: number) => 0x47_01_00_20 | continuity;

  it('moves with payloads alone, modulo 16', () => {
    expect(followsOn(15, withPayload(0))).toBe(true);
    expect(followsOn(3, withPayload(5))).toBe(false);
    expect(followsOn(3, without(3))).toBe(true);
    expect(followsOn(3, without(4))).toBe(false);
  });

  it('says nothing of the first packet', () => {
    for (let continuity = 0; continuity < 16; continuity += 1) {
      expect(followsOn(NO_CONTINUITY, withPayload(continuity))).toBe(true);
      expect(isRepeat(NO_CONTINUITY, withPayload(continuity))).toBe(false);
    }
  });

  it('stands still for a packet sent twice', () => {
    expect(isRepeat(4, withPayload(4))).toBe(true);
    expect(isRepeat(4, without(4))).toBe(false);
    expect(isRepeat(4, withPayload(5))).toBe(false);
  });
});

describe('whole packets', () => {
  it('are told from other bytes', () => {
    const one = packet({ pid: 0x100 });
    const two = Buffer.concat([one, one]);
    expect(isTransportStream(two, 0, two.length)).toBe(true);
    expect(isTransportStream(two, 188, 376)).toBe(true);
    const broken = Buffer.from(two);
    broken[188] = 0x48;
    for (const bytes of [Buffer.alloc(0), broken, one.subarray(1), Buffer.from('plain text')]) {
      expect(isTransportStream(bytes, 0, bytes.length)).toBe(false);
    }
  });
});
