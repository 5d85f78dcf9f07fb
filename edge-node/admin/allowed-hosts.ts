import { isIP } from 'node:net';
import { hostname } from 'node:os';

const HOST = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/;

/**
 * Whether a request's Host header names this server. A web page anywhere may have its own name resolved to this
 * machine's address and then read what it asks here; it cannot choose the Host, which is that name. So a name must be
 * one of ours, while an address is never such a page's.
 */
export function hostCheck(allowed: readonly string[]): (header: string | undefined) => boolean {
  const names = new Set(['localhost', hostname().toLowerCase(), ...allowed]);
  return (header) => {
    if (header === undefined) return true; // HTTP/1.0, which no browser speaks
    const [, address, name = address ?? ''] = HOST.exec(header) ?? [];
    return isIP(name) !== 0 || names.has(name.toLowerCase().replace(/\.$/, ''));
  };
}
