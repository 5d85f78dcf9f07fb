import type { Socket } from 'node:net';
import type { LogCursor } from './log-cursor.ts';

const NOTHING = Buffer.alloc(0);

/** What is left of the stretch: its next bytes, and undefined at its end. */
type Stretch = Pick<LogCursor, 'next'>;
type Taken = (error?: Error | null) => void;

/**
 * Hands stretches of a log to the kernel of a user's socket, one after another, each in one write, and tells when the
 * kernel has taken it: at once, as it does unless the user is slow, or later.
 */
export class StretchWriter {
  readonly #socket: Socket;
  readonly #taken: Taken;
  /**
   * Of each write. Node takes a tick of its own for every callback, so there is one only behind TLS, where nothing is
   * taken at once. Elsewhere a look tells, and a write of nothing behind one that the kernel has no room for.
   */
  readonly #callback: Taken | undefined;

  /** @param taken called once a write; with an error where the kernel may not have all of it */
  constructor(socket: Socket, taken: Taken) {
    this.#socket = socket;
    this.#taken = taken;
    this.#callback = 'encrypted' in socket ? taken : undefined;
  }

  /** Writes `first` and what the stretch has room for behind it. Never before the last one was taken. */
  write(first: Buffer, cursor: Stretch, nowMs: number): void {
    const second = cursor.next(nowMs);
    if (second === undefined) this.#socket.write(first, this.#callback);
    else this.#writeSeveral(first, second, cursor, nowMs);
    if (this.#callback === undefined) this.#look();
  }

  /**
   * Finds out whether a user who has sent FIN is gone. After a FIN the socket is not read any more, so a reset that
   * follows is noticed at the next write only. A write of zero bytes sends nothing, but fails if there was a reset.
   */
  probe(): void {
    this.#socket.write(NOTHING);
  }

  #writeSeveral(first: Buffer, second: Buffer, cursor: Stretch, nowMs: number): void {
    this.#socket.cork();
    this.#socket.write(first);
    let last = second;
    for (;;) {
      const next = cursor.next(nowMs);
      if (next === undefined) break;
      this.#socket.write(last);
      last = next;
    }
    this.#socket.write(last, this.#callback);
    this.#socket.uncork();
  }

  #look(): void {
    const { writableLength, errored, destroyed } = this.#socket;
    if (writableLength === 0 && errored === null && !destroyed) this.#taken();
    else this.#socket.write(NOTHING, this.#taken);
  }
}
