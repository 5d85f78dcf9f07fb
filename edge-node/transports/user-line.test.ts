import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseUserId } from '../../shared/ids.ts';
import { parseUserLine } from './user-line.ts';

const parse = (text: string, takesToken = false) => parseUserLine(Buffer.from(text), takesToken);

describe("a user's line", () => {
  it('names user and channel, with LF or CR LF taken off', () => {
    expect(parse('user-1 zato01')).toEqual({ userId: 'user-1', channelId: 'zato01' });
    expect(parse('user-1 zato01\r')).toEqual({ userId: 'user-1', channelId: 'zato01' });
    expect(parse('Łucja-🎬 unknown')).toEqual({ userId: 'Łucja-🎬', channelId: 'unknown' });
  });

  it.each([
    '',
    ' ',
    'user-1',
    'user-1 ',
    ' zato01',
    'user-1  zato01',
    'user-1 zato01 more',
    'user-1\tzato01',
    'us/er zato01',
    'user-1 zató',
    '\ufeffuser-1 zato01',
    `${'x'.repeat(129)} zato01`,
    'user-1 zato01\r\r',
    'GET / HTTP/1.1',
  ])('that is anything else is malformed: %j', (line) => {
    expect(parse(line)).toBeUndefined();
  });

  it('may bring a token where one is taken', () => {
    const known = { userId: 'user-1', channelId: 'zato01' };
    expect(parse('user-1 zato01 a.b.c\r', true)).toEqual({ ...known, token: 'a.b.c' });
    expect(parse('user-1 zato01', true)).toEqual(known);
    expect(parse('user-1 zato01 ', true)).toBeUndefined();
    expect(parse('user-1 zato01 a.b.c more', true)).toBeUndefined();
  });

  it('of bytes that are no UTF-8 is malformed', () => {
    expect(parseUserLine(Buffer.from([0xff, 0xfe, 0x20, 0x61]), true)).toBeUndefined();
  });

  it('of any bytes is read or refused, never thrown at', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const line = parseUserLine(bytes, true);
        if (line) expect(parseUserId(line.userId)).toBe(line.userId);
      }),
    );
  });
});
