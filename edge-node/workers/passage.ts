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

/** Node's own part of a socket, which it takes off the socket to send it. */
interface Detachable {
  server?: unknown;
  readonly _handle: { close(): void } | null;
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

  /** Resolves with whether the connection went: not where its client had gone. What is left of it here is closed by then. */
  pass(message: Serializable, socket: Socket): Promise<boolean> {
    return new Promise((resolve) => {
      const detachable = socket as unknown as Detachable;
      const { _handle: handle } = detachable;
      const settle = (hasGone: boolean) => {
        this.#waiting.delete(socket);
        socket.destroy();
        // While it is sent, the socket has it no more, and Node would close it only once it has arrived, or never.
        handle?.close();
        resolve(hasGone);
      };
      this.#waiting.set(socket, settle);
      const channel = this.#channel;
      // Else Node would have its server close only once the other process has closed it, too.
      detachable.server = undefined;
      // Not `keepOpen`: a client's reset would then close what is being sent, and Node waits for ever for it to arrive.
      if (!channel.connected || channel.send === undefined) settle(false);
      else
        channel.send(message, socket, {}, (error) => settle(error === null && !socket.destroyed));
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
