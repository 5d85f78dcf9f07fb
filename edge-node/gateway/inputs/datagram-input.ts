import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { InputError, reasonOf } from '../../../shared/errors.ts';
import type { DatagramSpec } from '../../channel-lists/input-url.ts';
import type { Input, InputEvents } from './input.ts';
import { isRtp, RtpReceiver } from './rtp.ts';

export interface ReceiveBuffer {
  readonly wantedBytes: number;
  /** Called when the kernel gives less: once only, since every socket would say the same. */
  readonly onCut: (bytes: number) => void;
}

const isMulticast = (address: string): boolean =>
  isIPv6(address) ? /^ff/i.test(address) : /^2(2[4-9]|3\d)\./.test(address);

/**
 * Receives UDP, plain or as RTP, which is seen from each datagram. A group's socket is bound to the group's address: at
 * 0.0.0.0 it would hear every group of that port that anybody on this machine has joined. An interface that was taken
 * away and made again goes silent without an error: whoever gives a silent input up and opens it anew joins again.
 */
export class DatagramInput implements Input {
  readonly #events: InputEvents;
  readonly #socket: Socket;
  readonly rtp: RtpReceiver;
  #expiry: NodeJS.Timeout | undefined;
  #expiryMs = Number.POSITIVE_INFINITY;
  #isClosed = false;

  constructor(spec: DatagramSpec, events: InputEvents, buffer: ReceiveBuffer) {
    this.#events = events;
    this.rtp = new RtpReceiver({
      bytes: (bytes, start, end) => events.bytes(bytes, start, end),
      loss: () => events.loss(),
    });
    const { address = '0.0.0.0', port } = spec;
    // Of a group the kernel lets through what its source sends; of an address we do.
    const onlyFrom = isMulticast(address) ? undefined : spec.source;
    this.#socket = createSocket({
      type: isIPv6(address) ? 'udp6' : 'udp4',
      reuseAddr: isMulticast(address),
      recvBufferSize: buffer.wantedBytes,
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('message', (datagram, sender) => {
      if (onlyFrom === undefined || sender.address === onlyFrom) this.#receive(datagram);
    });
    this.#socket.on('listening', () => {
      try {
        if (isMulticast(address)) join(this.#socket, spec, address);
      } catch (error) {
        this.#fail(error);
        return;
      }
      const bytes = givenBuffer(this.#socket);
      if (bytes < buffer.wantedBytes) buffer.onCut(bytes);
    });
    this.#socket.bind({ address, port, exclusive: true });
  }

  pause(): void {
    // A sender of datagrams cannot be made to wait.
  }

  resume(): void {
    // Never paused.
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#expiry);
    this.#socket.close();
  }

  #receive(datagram: Buffer): void {
    if (this.#isClosed) return;
    if (!isRtp(datagram)) {
      this.#events.bytes(datagram, 0, datagram.length);
      return;
    }
    this.rtp.push(datagram, performance.now());
    this.#expireInTime();
  }

  /** Gives up missing packets when they are due, and the socket was read again since: a late loop has lost nothing. */
  #expireInTime(): void {
    const { dueMs } = this.rtp;
    if (dueMs >= this.#expiryMs) return;
    clearTimeout(this.#expiry);
    this.#expiryMs = dueMs;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(1, Math.ceil(dueMs - performance.now()));
    this.#expiry = setTimeout(() => setImmediate(() => this.#expire()), delayMs);
  }

  #expire(): void {
    if (this.#isClosed) return;
    this.#expiryMs = Number.POSITIVE_INFINITY;
    this.rtp.expire(performance.now());
    if (!this.#isClosed) this.#expireInTime();
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    this.close();
    this.#events.end(new InputError('unreachable', reasonOf(error), { cause: error }));
  }
}

/** @throws the kernel's error, such as ENODEV */
function join(socket: Socket, { source, iface }: DatagramSpec, group: string): void {
  const address = iface === undefined ? undefined : interfaceAddress(iface, isIPv6(group));
  if (source === undefined) socket.addMembership(group, address);
  else socket.addSourceSpecificMembership(source, group, address);
}

/** How the kernel wants an interface to be named: by its address for IPv4, as `::%name` for IPv6. */
function interfaceAddress(iface: string, isVersion6: boolean): string {
  if (isVersion6) return iface.includes(':') ? iface : `::%${iface}`;
  const addresses = networkInterfaces()[iface];
  if (addresses === undefined) return iface;
  const found = addresses.find(({ family }) => family === 'IPv4');
  if (found === undefined) throw new InputError('unreachable', `${iface} has no IPv4 address`);
  return found.address;
}

/** Linux counts its own overhead, too, and tells twice the size that was asked for. */
function givenBuffer(socket: Socket): number {
  const bytes = socket.getRecvBufferSize();
  return process.platform === 'linux' ? bytes / 2 : bytes;
}
