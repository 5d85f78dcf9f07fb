import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROXY_HEADER_MAX_BYTES } from '../../shared/limits.ts';
import { proxyHeader, rawProxyHeader } from '../testing/proxy-header.ts';
import { parseProxyHeader } from './proxy-header.ts';

const LOCAL = 0x20;
const PROXY = 0x21;
const TCP4 = 0x11;
const whole = (bytes: Buffer, address: string | undefined) => ({
  kind: 'whole',
  bytes: bytes.length,
  address,
});

describe('a PROXY header', () => {
  it.each(['203.0.113.7', '2001:db8::7', 'fe80::1:0:0:2'])('tells %s', (address) => {
    const header = proxyHeader(address);
    expect(parseProxyHeader(header)).toEqual(whole(header, address));
  });

  it('tells an IPv4 address that came mapped as sockets do', () => {
    const header = proxyHeader('::ffff:cb00:7107');
    expect(parseProxyHeader(header)).toEqual(whole(header, '203.0.113.7'));
  });

  it.each([
    ['the balancer’s own connection', rawProxyHeader(LOCAL, 0, Buffer.alloc(0))],
    ['the balancer’s own, with an address', rawProxyHeader(LOCAL, TCP4, Buffer.alloc(12, 9))],
    ['a family that is not told', rawProxyHeader(PROXY, 0, Buffer.alloc(0))],
    ['a Unix socket', rawProxyHeader(PROXY, 0x31, Buffer.alloc(216, 0x61))],
    ['datagrams', rawProxyHeader(PROXY, 0x12, Buffer.alloc(12, 9))],
  ])('tells no address of %s', (_, header) => {
    expect(parseProxyHeader(header)).toEqual(whole(header, undefined));
  });

  it('may carry TLVs, which are skipped, and what the client sent behind it is not part of it', () => {
    const header = proxyHeader('203.0.113.7', Buffer.alloc(100, 3));
    const received = Buffer.concat([header, Buffer.from('user-1 zato01\n')]);
    expect(parseProxyHeader(received)).toEqual(whole(header, '203.0.113.7'));
  });

  it.each([
    ['version 1', Buffer.from('PROXY TCP4 203.0.113.7 10.0.0.1 1 2\r\n'), 'version 1'],
    ['the line of a user', Buffer.from('user-1 zato01\n'), 'no PROXY header'],
    ['another version', rawProxyHeader(0x31, TCP4, Buffer.alloc(12)), '0x31'],
    ['another command', rawProxyHeader(0x22, TCP4, Buffer.alloc(12)), '0x22'],
    ['half an address', rawProxyHeader(PROXY, TCP4, Buffer.alloc(11)), '11 bytes'],
    ['half an IPv6 address', rawProxyHeader(PROXY, 0x21, Buffer.alloc(12)), '12 bytes'],
    [
      'more than it may have',
      rawProxyHeader(PROXY, TCP4, Buffer.alloc(PROXY_HEADER_MAX_BYTES)),
      `${PROXY_HEADER_MAX_BYTES + 16} bytes`,
    ],
  ])('is refused at once where it is of %s, and says why', (_, bytes, why) => {
    expect(parseProxyHeader(bytes)).toEqual({
      kind: 'malformed',
      why: expect.stringContaining(why),
    });
  });

  it('is read the same however it comes, and begins no sooner than it is whole', () => {
    const address = fc.oneof(fc.ipV4(), fc.constantFrom('2001:db8::7', '::1', 'a:b:c:d:1:2:3:4'));
    const tlvs = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(address, tlvs, fc.uint8Array({ maxLength: 20 }), (from, tlv, behind) => {
        const header = proxyHeader(from, Buffer.from(tlv));
        for (let length = 0; length < header.length; length += 1) {
          expect(parseProxyHeader(header.subarray(0, length)).kind).toBe('partial');
        }
        const received = Buffer.concat([header, behind]);
        expect(parseProxyHeader(received)).toEqual(whole(header, from));
      }),
    );
  });

  it('whatever bytes come, it is one of the three, and a whole one lies within its bounds', () => {
    const begun = fc.tuple(
      fc.constantFrom(LOCAL, PROXY, 0x11, 0x31),
      fc.constantFrom(0, TCP4, 0x21, 0x31),
      fc.uint8Array({ maxLength: 60 }),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 600 }).map((each) => Buffer.from(each)),
      begun.map(([command, family, rest]) => rawProxyHeader(command, family, Buffer.from(rest))),
    );
    const changed = fc.tuple(bytes, fc.nat(60), fc.nat(255)).map(([given, at, byte]) => {
      const copy = Buffer.from(given);
      if (at < copy.length) copy[at] = byte;
      return copy;
    });
    fc.assert(
      fc.property(changed, (given) => {
        const header = parseProxyHeader(given);
        if (header.kind !== 'whole') return;
        expect(header.bytes).toBeLessThanOrEqual(Math.min(given.length, PROXY_HEADER_MAX_BYTES));
        expect(header.bytes).toBeGreaterThanOrEqual(16);
      }),
      { numRuns: 2_000 },
    );
  });
});
