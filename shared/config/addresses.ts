import { isIPv6 } from 'node:net';
import type { Parse } from './setting.ts';

/** Where a server listens. */
export interface Address {
  /** Of an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number;
}

const NODE = /^(?:\[([^\]]*)\]|[\w.-]+)(?::(\d{1,5}))?$/;

function isNode(node: string): boolean {
  const match = NODE.exec(node);
  if (match === null) return false;
  const [, ipv6, port = '1'] = match;
  return (ipv6 === undefined || isIPv6(ipv6)) && Number(port) >= 1 && Number(port) <= 65_535;
}

/** Servers as they are given, with commas between them. */
export const nodeList: Parse<readonly string[]> = (list) => {
  const nodes = list.split(',').map((node) => node.trim());
  if (!nodes.every(isNode)) {
    throw new RangeError('hosts with commas between them, each with :port or without');
  }
  return nodes;
};

/** The same, `most` at most and each once; an IPv6 address that stands alone needs no brackets. */
export function distinctNodes(most: number): Parse<readonly string[]> {
  return (list) => {
    const nodes = isIPv6(list) ? [`[${list}]`] : nodeList(list);
    if (nodes.length > most || new Set(nodes).size < nodes.length) {
      throw new RangeError(
        `at most ${most} different hosts with commas between them, each with :port or without`,
      );
    }
    return nodes;
  };
}

/** An entry of a list, with the port that those without one have. */
export function addressOf(node: string, defaultPort: number): Address {
  const [, host = '', port] = /^\[?([^\]]*?)\]?(?::(\d{1,5}))?$/.exec(node) ?? [];
  return { host, port: port === undefined ? defaultPort : Number(port) };
}

/** An address as people write it. */
export function nameOf({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
