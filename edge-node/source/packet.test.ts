import { describe, expect, it } from 'vitest';
import {
  CHANNEL_BYTES,
  CHANNEL_OFFSET,
  channelIdOfKey,
  channelKeyAt,
  encodePacket,
  HEADER_BYTES,
  LENGTH_OFFSET,
  SEQUENCE_OFFSET,
} from './packet.ts';

function keyOf(channel: string): number {
  return Buffer.from(channel.padEnd(6, '\0'), 'latin1').reduce((key, byte) => key * 256 + byte, 0);
}

describe('a packet of 9110', () => {
  it('has its fields where the channel source puts them', () => {
    expect([HEADER_BYTES, CHANNEL_OFFSET, CHANNEL_BYTES, SEQUENCE_OFFSET, LENGTH_OFFSET]).toEqual([
      23, 5, 6, 11, 19,
    ]);
    const bytes = encodePacket('zato1', 0x8001020304050607n, Buffer.of(9, 8, 7));
    expect(bytes.toString('hex')).toBe(
      ['0000000000', '7a61746f3100', '8001020304050607', '00000003', '090807'].join(''),
    );
  });

  it('counts sequences modulo 2^64', () => {
    const bytes = encodePacket('zato01', 2n ** 64n + 5n, Buffer.alloc(0));
    expect(bytes.subarray(SEQUENCE_OFFSET, LENGTH_OFFSET).toString('hex')).toBe('0000000000000005');
  });
});

describe('a channel key', () => {
  it('is the six bytes as a number, exact for every one of them', () => {
    for (const channel of ['zato01', 'a', '\xff\xff\xff\xff\xff\xff', '\xff\xff\xff\xff\xff\xfe']) {
      expect(channelKeyAt(encodePacket(channel, 0n, Buffer.alloc(0)), 0)).toBe(keyOf(channel));
    }
  });

  it.each([
    ['zato01', 'zato01'],
    ['z\0\0\0\0\0', 'z'],
    ['z     ', 'z'],
    ['ab \0 \0', 'ab'],
    ['~!#$%/', '~!#$%/'],
  ])('of %j is that of the channel %j', (bytes, id) => {
    expect(channelIdOfKey(keyOf(bytes))).toBe(id);
  });

  it.each([
    '\0\0\0\0\0\0',
    '      ',
    'a\0b\0\0\0',
    'a b   ',
    ' zato1',
    'z\xe9to01',
    'zato\x7f1',
    'zato\n1',
    '\xff\xff\xff\xff\xff\xff',
  ])('of %j is that of no channel', (bytes) => {
    expect(channelIdOfKey(keyOf(bytes))).toBeUndefined();
  });
});
