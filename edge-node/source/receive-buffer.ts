import { readFileSync } from 'node:fs';
import { SOURCE_BACKLOG_BYTES } from '../../shared/limits.ts';

/**
 * The most that can wait unread in the kernel's receive buffer of a TCP socket. Linux says so (`net.ipv4.tcp_rmem`:
 * least, usual and most bytes); elsewhere it is SOURCE_BACKLOG_BYTES.
 */
export function receiveBufferMaxBytes(path = '/proc/sys/net/ipv4/tcp_rmem'): number {
  try {
    const most = Number(readFileSync(path, 'utf8').trim().split(/\s+/).at(2));
    return Number.isSafeInteger(most) && most > 0 ? most : SOURCE_BACKLOG_BYTES;
  } catch {
    return SOURCE_BACKLOG_BYTES;
  }
}
