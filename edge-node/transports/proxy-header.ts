import { PROXY_HEADER_MAX_BYTES } from '../../shared/limits.ts';

/**
 * The header of the PROXY protocol, version 2, big-endian; it stands before all that the client sends, TLS included:
 *
 *     0-11   0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A
 *     12     version 2 and the command: 0x20 LOCAL (the balancer's own, mostly a health check), 0x21 PROXY
 *     13     family and protocol: 0x11 TCP over IPv4, 0x21 TCP over IPv6; of any other the address is not read
 *     14-15  length of what follows
 *     16-    source address, destination address (4 bytes each, or 16), two ports; then TLVs, which are skipped
 *
 * https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const FIXED_BYTES = 16;
const LOCAL = 0x20;
const PROXY = 0x21;
const TCP4 = 0x11;
const TCP6 = 0x21;
/** Two addresses and two ports. */
const TCP4_BYTES = 12;
const TCP6_BYTES = 36;

export type ProxyHeader =
  | { readonly kind: 'partial' }
  | { readonly kind: 'malformed'; readonly why: string }
  /** `address` is undefined where the header tells none: the connection is the balancer's own. */
  | { readonly kind: 'whole'; readonly bytes: number; readonly address: string | undefined };

const PARTIAL: ProxyHeader = { kind: 'partial' };
const malformed = (why: string): ProxyHeader => ({ kind: 'malformed', why });

/** Reads a header at the beginning of what a connection has sent so far. */
export function parseProxyHeader(received: Buffer): ProxyHeader {
  const begun = received.subarray(0, SIGNATURE.length);
  if (!begun.equals(SIGNATURE.subarray(0, begun.length))) {
    const isText = received.toString('latin1', 0, 6) === 'PROXY ';
    return malformed(
      isText
        ? 'a header of version 1, and only version 2 is taken: set the balancer to it'
        : 'no PROXY header: set the balancer to send version 2, or leave its network out',
    );
  }
  if (received.length < FIXED_BYTES) return PARTIAL;
  const command = received.readUInt8(12);
  if (command !== LOCAL && command !== PROXY) {
    return malformed(`a version and command of 0x${command.toString(16)}`);
  }
  const length = received.readUInt16BE(14);
  const bytes = FIXED_BYTES + length;
  if (bytes > PROXY_HEADER_MAX_BYTES) return malformed(`a header of ${bytes} bytes`);
  const family = received.readUInt8(13);
  if (command === PROXY && length < leastBytes(family)) {
    return malformed(`an address of ${length} bytes`);
  }
  if (received.length < bytes) return PARTIAL;
  return {
    kind: 'whole',
    bytes,
    address: command === PROXY ? sourceAddress(received, family) : undefined,
  };
}

function leastBytes(family: number): number {
  if (family === TCP4) return TCP4_BYTES;
  return family === TCP6 ? TCP6_BYTES : 0;
}

function sourceAddress(header: Buffer, family: number): string | undefined {
  if (family === TCP4) return [...header.subarray(16, 20)].join('.');
  if (family !== TCP6) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => header.readUInt16BE(16 + 2 * i).toString(16));
  // The shortest form, in which sockets tell addresses, too.
  const text = new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
  return mappedIPv4(header) ?? text;
}

/** ::ffff:a.b.c.d */
function mappedIPv4(header: Buffer): string | undefined {
  const prefix = header.subarray(16, 28);
  const isMapped = prefix.every((byte, i) => byte === (i < 10 ? 0 : 0xff));
  return isMapped ? [...header.subarray(28, 32)].join('.') : undefined;
}
