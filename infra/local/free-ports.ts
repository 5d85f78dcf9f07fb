import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Below the ports that the kernel gives to outgoing connections and to listeners at port 0, from 32768 on in Linux and
 * 49152 in macOS: one of those could be anybody's before whoever asked for it listens, or while it restarts.
 */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

const handedOut = new Set<number>();

/** Ports of loopback that nothing listens on just now, all different, and never the same twice. */
export function freePorts(count: number): Promise<number[]> {
  return freePortsBy(isFree, count);
}

/** As freePorts, for datagrams. */
export function freeUdpPorts(count: number): Promise<number[]> {
  return freePortsBy((port) => binds(createSocket('udp4').bind(port, '127.0.0.1')), count);
}

async function freePortsBy(
  isFreePort: (port: number) => Promise<boolean>,
  count: number,
): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST_PORT + randomInt(PORTS);
    if (handedOut.has(port) || !(await isFreePort(port))) continue;
    handedOut.add(port);
    ports.push(port);
  }
  return ports;
}

/** @throws RangeError when something listens there */
export async function assertFree(port: number): Promise<void> {
  if (!(await isFree(port))) throw new RangeError(`port ${port} is taken by another process`);
}

/** Whether one could listen there on loopback. */
export function isFree(port: number): Promise<boolean> {
  return binds(createServer().listen(port, '127.0.0.1'));
}

/** Whether it could have its port, which it gives back. */
async function binds(socket: Server | Socket): Promise<boolean> {
  try {
    await once(socket, 'listening');
  } catch {
    return false;
  }
  socket.close();
  await once(socket, 'close');
  return true;
}
