import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DamagedSpoolFileError, UnknownSpoolVersionError } from '../../../shared/errors.ts';
import type { ChannelId, Minute, UserId, WriterId } from '../../../shared/ids.ts';
import { parseUserId } from '../../../shared/ids.ts';
import { decodeSpoolFile, SpoolFileEncoder } from './spool-file.ts';

const WRITER = '00ff00ff00ff00ff' as WriterId;
const ROW = {
  userId: 'user-1' as UserId,
  minute: 29_000_000 as Minute,
  channelId: 'zato01' as ChannelId,
  deliveredMs: 1240,
};

const anyRow = fc.record({
  userId: fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    .filter((text) => parseUserId(text) !== undefined) as fc.Arbitrary<UserId>,
  minute: fc.nat(40_000_000) as fc.Arbitrary<Minute>,
  channelId: fc.stringMatching(/^[\x21-\x7e]{1,8}$/) as fc.Arbitrary<ChannelId>,
  deliveredMs: fc.nat(2 ** 31),
});

function encode(...slices: (typeof ROW)[][]): Buffer {
  const encoder = new SpoolFileEncoder(WRITER);
  for (const rows of slices) encoder.add(rows);
  return encoder.finish();
}

const decode = (bytes: Buffer) => [...decodeSpoolFile(bytes)];

describe('a spool file', () => {
  test('gives back every row of every slice, with quotes, emoji and brackets in the ids', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyRow, { maxLength: 5 }), { maxLength: 5 }), (slices) => {
        const expected = slices.flat().map((row) => ({ ...row, writerId: WRITER, final: false }));
        expect(decode(encode(...slices))).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  test('torn at any byte is damaged, and gives no row', () => {
    const whole = encode([ROW, { ...ROW, deliveredMs: 20 }], [ROW]);
    for (let length = 0; length < whole.length; length += 1) {
      const rows = decodeSpoolFile(whole.subarray(0, length));
      expect(() => rows.next(), `${length} bytes`).toThrow(DamagedSpoolFileError);
    }
    expect(decode(whole)).toHaveLength(3);
  });

  test('with any one byte altered is damaged, and gives no row', () => {
    const whole = encode([ROW, ROW]);
    for (let at = 0; at < whole.length; at += 1) {
      const altered = Buffer.from(whole);
      altered[at] = (altered[at] ?? 0) ^ 1;
      const isVersion = at === 'usage-spool '.length;
      const error = isVersion ? UnknownSpoolVersionError : DamagedSpoolFileError;
      expect(() => decodeSpoolFile(altered).next(), `byte ${at}`).toThrow(error);
    }
  });

  test('of an unknown version is not damaged, whatever follows its first line', () => {
    for (const text of ['usage-spool 2 aa\n', 'usage-spool 17\nanything']) {
      expect(() => decode(Buffer.from(text))).toThrow(UnknownSpoolVersionError);
    }
    expect(() => decode(Buffer.from('usage-spool x aa\n'))).toThrow(DamagedSpoolFileError);
  });

  test('with bytes behind its end, as of two files in one, is damaged', () => {
    const whole = encode([ROW]);
    expect(() => decode(Buffer.concat([whole, whole]))).toThrow(DamagedSpoolFileError);
    expect(() => decode(Buffer.concat([whole, Buffer.from('\n')]))).toThrow(DamagedSpoolFileError);
  });

  test.each([
    ['a bad user id', { ...ROW, userId: 'user 1' as UserId }],
    ['an empty channel id', { ...ROW, channelId: '' as ChannelId }],
    ['a negative value', { ...ROW, deliveredMs: -20 }],
    ['a fraction of a minute', { ...ROW, minute: 1.5 as Minute }],
  ])('that vouches for %s is damaged all the same', (_, row) => {
    expect(() => decode(encode([row]))).toThrow(DamagedSpoolFileError);
  });
});
