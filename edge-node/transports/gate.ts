import { type BlockList, isIPv6, type Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { CloseReason } from '../../shared/errors.ts';
import { HANDSHAKE_TIMEOUT_MS } from '../../shared/limits.ts';
import { bareAddress, carry } from '../../shared/net/peer.ts';
import type { Certificate } from './certificate.ts';
import { parseProxyHeader } from './proxy-header.ts';

interface GateParts {
  /** PROXY_PROTOCOL_FROM. */
  readonly proxies: BlockList;
  readonly certificate: Certificate | undefined;
  /** What is spoken inside TLS, where clients ask. */
  readonly protocols: string[];
}

/** What came of a TCP connection: a paused socket on which its user speaks, or why there is none. */
export type Opened =
  | { readonly kind: 'open'; readonly socket: Socket }
  | { readonly kind: 'closed'; readonly reason: CloseReason; readonly why?: string };

/** What is to be done with a connection once its handshake has ended. */
interface Shaking {
  open(socket: TLSSocket): void;
  fail(why: string): void;
}

/**
 * What stands before the first byte of a user's: the header of a balancer, then the handshake of TLS, both together
 * within HANDSHAKE_TIMEOUT_MS. The header is demanded of the networks that send it and taken from nobody else.
 *
 *     accepted ──▶ header, from PROXY_PROTOCOL_FROM ──▶ handshake, with a certificate ──▶ open
 *        └──────────────────── too late, malformed, gone ───────────────────────────────▶ closed
 *
 * The connection stays its transport's to close at any time, and to hold in bounds meanwhile.
 */
export class Gate {
  readonly #proxies: BlockList;
  readonly #tls: Server | undefined;
  readonly #shaking = new Map<Socket, Shaking>();

  constructor({ proxies, certificate, protocols }: GateParts) {
    this.#proxies = proxies;
    if (certificate === undefined) return;
    const tls = createServer(protocols.length > 0 ? { ALPNProtocols: protocols } : {});
    this.#tls = tls;
    certificate.follow((options) => tls.setSecureContext(options));
    tls.on('secureConnection', (socket) => this.#shaking.get(rawOf(socket))?.open(socket.pause()));
    // A client that has gone has an error of its own here, too.
    tls.on('tlsClientError', ({ message }, socket) => {
      const raw = rawOf(socket);
      if (raw.bytesRead > 0) this.#shaking.get(raw)?.fail(message.trim());
    });
  }

  /** Never rejects. A socket that is not opened is destroyed. */
  open(raw: Socket): Promise<Opened> {
    const from = bareAddress(raw);
    const { promise, resolve } = Promise.withResolvers<Opened>();
    const isProxied = this.#proxies.check(from, isIPv6(from) ? 'ipv6' : 'ipv4');
    let phase: CloseReason = isProxied ? 'proxy_failed' : 'tls_failed';
    const settle = (opened: Opened) => {
      clearTimeout(timer);
      this.#shaking.delete(raw);
      raw.off('error', onError).off('close', onClose);
      if (opened.kind === 'closed') raw.on('error', onError).destroy();
      resolve(opened);
    };
    const fail = (why: string) => settle({ kind: 'closed', reason: phase, why });
    const timer = setTimeout(() => fail('it took too long'), HANDSHAKE_TIMEOUT_MS);
    const onError = () => {};
    const onClose = (hadError: boolean) => {
      // A probe mostly: it connects, says nothing and leaves.
      if (raw.bytesRead > 0) fail('it broke off');
      else settle({ kind: 'closed', reason: hadError ? 'client_reset' : 'client_closed' });
    };
    raw.on('error', onError).on('close', onClose);
    // Who ends its side before there is anything to be sent is gone.
    raw.allowHalfOpen = false;
    const pass = (address: string) => {
      phase = 'tls_failed';
      const open = (socket: Socket) => {
        socket.allowHalfOpen = true;
        carry(socket, { address, raw });
        settle({ kind: 'open', socket });
      };
      if (this.#tls === undefined) open(raw.pause());
      else this.#shake(raw, { open, fail });
    };
    if (isProxied) readHeader(raw, (address) => pass(address ?? from), fail);
    else pass(from);
    return promise;
  }

  #shake(raw: Socket, shaking: Shaking): void {
    this.#shaking.set(raw, shaking);
    this.#tls?.emit('connection', raw);
  }
}

/** Reads the header off; what came behind it is the socket's to read again. */
function readHeader(
  raw: Socket,
  pass: (address: string | undefined) => void,
  fail: (why: string) => void,
): void {
  let received = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const header = parseProxyHeader(received);
    if (header.kind === 'partial') return;
    raw.off('data', onData).pause();
    if (header.kind === 'malformed') {
      fail(header.why);
      return;
    }
    const rest = received.subarray(header.bytes);
    if (rest.length > 0) raw.unshift(rest);
    pass(header.address);
  };
  raw.on('data', onData);
}

/** The TCP connection below a socket of the server's, which has no other name for it. */
function rawOf(socket: TLSSocket): Socket {
  return (socket as unknown as { readonly _parent: Socket })._parent;
}
