import type { Socket } from 'node:net';

/** What a connection came over that is not what it seems: a balancer tells where from, and TLS has a socket below it. */
interface Carrier {
  readonly address: string;
  readonly raw: Socket;
}

const carriers = new WeakMap<Socket, Carrier>();

/** Notes what carries a socket; `raw` is the TCP connection itself. */
export function carry(socket: Socket, carrier: Carrier): void {
  carriers.set(socket, carrier);
}

/** Where a connection comes from; the socket of a client that is gone already has no address any more. */
export function peerAddress(socket: Socket): string {
  return carriers.get(socket)?.address ?? bareAddress(socket);
}

/** The same, whatever a balancer says. */
export function bareAddress(socket: Socket): string {
  return socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
}

/** Ends the TCP connection by a reset. A TLS socket cannot do that itself, and throws. */
export function resetPeer(socket: Socket): void {
  (carriers.get(socket)?.raw ?? socket).resetAndDestroy();
  socket.destroy();
}
