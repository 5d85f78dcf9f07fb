import type { Socket } from 'node:net';
import type { CloseReason, Refusal } from '../../shared/errors.ts';
import {
  HANDSHAKE_MAX_BYTES,
  HANDSHAKE_TIMEOUT_MS,
  HANDSHAKE_TOKEN_MAX_BYTES,
} from '../../shared/limits.ts';
import { parseUserLine, type UserLine } from './user-line.ts';

/** How a connection began. With a line, the socket is paused, and `talkedBytes` had come behind the line. */
export type Handshake =
  | { readonly kind: 'line'; readonly line: UserLine; readonly talkedBytes: number }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'gone'; readonly reason: CloseReason };

const LF = 0x0a;

/**
 * Reads the one line that a user sends. Settles once, whatever the peer does; never rejects.
 * @param takesToken whether the line may bring a token, and be as long as one needs
 * @param onRefusable is given a function that ends the reading with a refusal, for whoever needs the place
 */
export function readHandshake(
  socket: Socket,
  takesToken: boolean,
  onRefusable: (refuse: (refusal: Refusal) => void) => void,
): Promise<Handshake> {
  const maxBytes = takesToken ? HANDSHAKE_TOKEN_MAX_BYTES : HANDSHAKE_MAX_BYTES;
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    // The time is up only once the socket was read again: a line that a late event loop has not read yet is in time.
    let unread: NodeJS.Immediate | undefined;
    const timer = setTimeout(() => {
      unread = setImmediate(() => settle({ kind: 'refused', refusal: { code: 'timeout' } }));
    }, HANDSHAKE_TIMEOUT_MS);
    const settle = (result: Handshake) => {
      clearTimeout(timer);
      clearImmediate(unread);
      socket.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onError);
      resolve(result);
    };
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const end = received.subarray(0, maxBytes).indexOf(LF);
      if (end < 0 && received.length < maxBytes) return;
      const line = end < 0 ? undefined : parseUserLine(received.subarray(0, end), takesToken);
      if (line === undefined) {
        settle({ kind: 'refused', refusal: { code: 'malformed' } });
      } else {
        socket.pause();
        settle({ kind: 'line', line, talkedBytes: received.length - end - 1 });
      }
    };
    const onEnd = () => {
      if (received.length > 0) settle({ kind: 'refused', refusal: { code: 'malformed' } });
      else socket.destroy(); // a balancer's probe, mostly: it connects, says nothing and leaves
    };
    const onError = () => {};
    const onClose = (hadError: boolean) => {
      settle({ kind: 'gone', reason: hadError ? 'client_reset' : 'client_closed' });
    };
    socket.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onError);
    onRefusable((refusal) => settle({ kind: 'refused', refusal }));
  });
}
