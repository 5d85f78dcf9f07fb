import { isIPv6 } from 'node:net';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** A header of the PROXY protocol, version 2, as a balancer sends it. `tlvs` follow the addresses. */
export function proxyHeader(address: string, tlvs = Buffer.alloc(0)): Buffer {
  const source = isIPv6(address) ? ipv6(address) : Buffer.from(address.split('.').map(Number));
  const destination = Buffer.alloc(source.length, 1);
  const ports = Buffer.from([0xc0, 0x00, 0x23, 0x97]);
  const family = isIPv6(address) ? 0x21 : 0x11;
  return rawProxyHeader(0x21, family, Buffer.concat([source, destination, ports, tlvs]));
}

export function rawProxyHeader(command: number, family: number, rest: Buffer): Buffer {
  const fixed = Buffer.from([command, family, rest.length >> 8, rest.length & 0xff]);
  return Buffer.concat([SIGNATURE, fixed, rest]);
}

/** Of an address with at most one `::` and no IPv4 in it. */
function ipv6(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => text.split(':').filter(Boolean);
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const bytes = Buffer.alloc(16);
  for (const [at, group] of [...before, ...zeros, ...after].entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * at);
  }
  return bytes;
}
