import { readFileSync } from 'node:fs';

const TABLES = ['/proc/net/udp', '/proc/net/udp6'];

/**
 * Datagrams that the kernel has dropped at sockets of these ports because their receive buffers were full: nothing else
 * tells of them. Linux alone; 0 elsewhere.
 */
export function kernelDrops(ports: ReadonlySet<number>): number {
  // Number, local address and port in hexadecimal, …, drops.
  return TABLES.flatMap((path) => readTable(path))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '']) => ports.has(Number.parseInt(local.split(':')[1] ?? '', 16)))
    .reduce((sum, fields) => sum + Number(fields.at(-1)), 0);
}

function readTable(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').trim().split('\n').slice(1);
  } catch {
    return []; // not Linux, or no IPv6
  }
}
