import type { MessageOptions, Serializable } from 'node:child_process';
import type { Socket } from 'node:net';

/** The channel between a process and a child of its own, as either of them has it. */
interface Channel {
  readonly connected: boolean;
  send?(
    message: Serializable,
    socket: Socket,
    options: MessageOptions,
    callback: (error: Error | null) => void,
  ): boolean;
}

/**
 * The way on which connections leave for another process. Node sends one at a time: the others wait until the one before
 * has arrived. Those that wait when the other process dies Node forgets, open as they are, and their clients would wait
 * for ever: whoever notices the death closes them by `close`.
 */
export class Passage {
  readonly #channel: Channel;
  readonly #waiting = new Map<Socket, (hasGone: boolean) => void>();

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Resolves with whether the connection went. What is left of it here is closed by then. */
  pass(message: Serializable, socket: Socket): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (hasGone: boolean) => {
        this.#waiting.delete(socket);
        socket.destroy();
        resolve(hasGone);
      };
      this.#waiting.set(socket, settle);
      const channel = this.#channel;
      // Else Node would have its server close only once the other process has closed it, too.
      (socket as { server?: unknown }).server = undefined;
      // Open until then, so that it is closed here, whether it went or not: what Node closes by itself it may forget, too.
      const options = { keepOpen: true };
      if (!channel.connected || channel.send === undefined) settle(false);
      else channel.send(message, socket, options, (error) => settle(error === null));
    });
  }

  /** The other process is dead. */
  close(): void {
    for (const settle of [...this.#waiting.values()]) settle(false);
  }
}

/** Node would close a socket that it was sent at the client's FIN; but such a user may still be watching. */
export function halfOpen(socket: Socket): Socket {
  socket.allowHalfOpen = true;
  return socket;
}
