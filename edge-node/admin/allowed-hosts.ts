import { isIP } from 'node:net';
import { hostname } from 'node:os';

const HOST = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/;

/**
 * Whether a request's Host header names this server. A web page from anywhere may let its own name resolve to this
 * machine's address (DNS rebinding) and read what it asks here; but the Host header is then that name. So a name must
 * be one of ours, while an IP address is always allowed: no such page has one for its name.
 */
export function hostCheck(allowed: readonly string[]): (header: string | undefined) => boolean {
  const names = new Set(['localhost', hostname().toLowerCase(), ...allowed]);
  return (header) => {
    if (header === undefined) return true; // HTTP/1.0, which no browser speaks
    const [, address, name = address ?? ''] = HOST.exec(header) ?? [];
    return isIP(name) !== 0 || names.has(name.toLowerCase().replace(/\.$/, ''));
  };
}
