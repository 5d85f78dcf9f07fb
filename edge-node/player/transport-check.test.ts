import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lackingCodecs } from './codecs.ts';
import { TransportCheck } from './transport-check.ts';

const PMT_PID = 0x100;
const CRC = [0, 0, 0, 0];

/** One packet that carries this payload. */
function packet(
  pid: number,
  counter: number,
  payload: readonly number[],
  starts = false,
): number[] {
  const header = [0x47, (starts ? 0x40 : 0) | (pid >> 8), pid & 0xff, 0x10 | counter];
  return [...header, ...payload, ...new Array<number>(184 - payload.length).fill(0xff)];
}

function section(tableId: number, body: readonly number[]): number[] {
  const length = 5 + body.length + CRC.length;
  return [0, tableId, 0xb0, length, 0, 1, 0xc1, 0, 0, ...body, ...CRC];
}

/** PAT and PMT of a program with these streams: [type, descriptor tag…]. */
function tables(...streams: readonly (readonly number[])[]): number[] {
  const listed = streams.flatMap(([type = 0, ...tags]) => [
    ...[type, 0xe1, 0x01, 0xf0, 2 * tags.length],
    ...tags.flatMap((tag) => [tag, 0]),
  ]);
  const pat = section(0, [0, 0, 0xe0, 0x10, 0, 1, 0xe0 | (PMT_PID >> 8), PMT_PID & 0xff]);
  const pmt = section(2, [0xe1, 0x01, 0xf0, 0, ...listed]);
  return [...packet(0, 0, pat, true), ...packet(PMT_PID, 0, pmt, true)];
}

function checkOf(...bytes: readonly (readonly number[])[]): TransportCheck {
  const check = new TransportCheck();
  for (const chunk of bytes) check.push(Uint8Array.from(chunk));
  return check;
}

const picture = (...counters: readonly number[]) =>
  counters.flatMap((counter) => packet(0x101, counter, [1]));

describe('the check of a transport stream', () => {
  it.each([
    ['that is whole', picture(14, 15, 0, 1), 0],
    ['with a packet sent twice', picture(3, 3, 4), 0],
    ['with packets missing in two places', picture(3, 5, 6, 9), 2],
  ])('counts the gaps of a stream %s', (_, bytes, gaps) => {
    expect(checkOf(bytes).gaps).toBe(gaps);
  });

  it('takes a break that the stream itself tells for no gap', () => {
    const told = [0x47, 1, 1, 0x30 | 9, 1, 0x80, ...new Array<number>(182).fill(0)];
    expect(checkOf([...picture(1), ...told]).gaps).toBe(0);
  });

  it('reads the same however the bytes are cut', () => {
    const bytes = [...tables([0x1b], [0x0f]), ...picture(0, 1, 3)];
    fc.assert(
      fc.property(fc.integer({ min: 1, max: bytes.length }), (size) => {
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
          bytes.slice(index * size, (index + 1) * size),
        );
        const check = checkOf(...chunks);
        expect([check.gaps, check.streams.map(({ type }) => type)]).toEqual([1, [0x1b, 0x0f]]);
      }),
    );
  });

  it('bears any bytes', () => {
    const header = fc.constantFrom([0x47, 0x40, 0, 0x10], [0x47, 0x41, 0, 0x30], [0x47]);
    const bytes = fc.tuple(header, fc.array(fc.nat(255), { maxLength: 184 })).map((parts) => {
      return [...parts.flat(), ...new Array<number>(188).fill(0x47)];
    });
    fc.assert(fc.property(bytes, (each) => checkOf(tables(), each).gaps >= 0));
  });
});

describe('the codecs that a browser lacks', () => {
  const usual = (mime: string): boolean => /avc1|mp4a|mpeg/.test(mime);
  it.each([
    ['none', tables([0x1b], [0x0f]), ''],
    ['the picture', tables([0x02], [0x03]), 'MPEG-2 for its picture.'],
    ['both', tables([0x24], [0x06, 0x6a]), 'HEVC for its picture, and AC-3 for its sound.'],
    ['the sound, all of it', tables([0x1b], [0x81], [0x87]), 'AC-3 or E-AC-3 for its sound.'],
    ['one sound of two', tables([0x1b], [0x81], [0x0f]), ''],
    ['none that it must have', tables([0x1b], [0x06, 0x59]), ''],
  ])('are named: %s', (_, bytes, lacking) => {
    const said = lackingCodecs(checkOf(bytes).streams, usual);
    expect(said).toBe(lacking && `This browser cannot play this channel: it lacks ${lacking}`);
  });
});
