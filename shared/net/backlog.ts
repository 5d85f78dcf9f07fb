import { setImmediate as polled } from 'node:timers/promises';

/** Most connections that the kernel keeps for a port until they are accepted; it cuts that at net.core.somaxconn. */
export const LISTEN_BACKLOG = 4_096;

/**
 * Before a port closes: has whoever waits to be accepted accepted, since the kernel resets them with the socket. libuv
 * accepts one connection a poll.
 * @param accepted how many were, so far
 */
export async function emptyBacklog(accepted: () => number): Promise<void> {
  for (let polls = 0; polls < LISTEN_BACKLOG; polls += 1) {
    const before = accepted();
    await polled();
    if (polls > 0 && accepted() === before) return;
  }
}
