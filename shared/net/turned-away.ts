import type { Socket } from 'node:net';
import { REFUSAL_LINGER_MS } from '../limits.ts';
import type { Crowd, Room } from './room.ts';

/**
 * Connections that are told why not, and closed a while later. What they send is read and dropped meanwhile: closing
 * with unread input would reset the connection, and take the answer with it.
 */
export class TurnedAway implements Crowd {
  readonly #sockets = new Set<Socket>();
  readonly #hasRoom: () => boolean;

  constructor(room: Room) {
    this.#hasRoom = room.join(this);
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Says so, and takes over the connection. */
  tell(socket: Socket, answer: string): void {
    if (socket.destroyed) return;
    if (!this.#hasRoom()) this.makeRoom();
    this.#sockets.add(socket);
    const timer = setTimeout(() => socket.destroy(), REFUSAL_LINGER_MS);
    const forget = () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
    };
    socket.on('close', forget).on('error', () => {});
    socket.end(answer);
    socket.resume();
  }

  /** Closes whoever was told so longest ago: it has most likely read it. */
  makeRoom(): boolean {
    for (const socket of this.#sockets) {
      this.#sockets.delete(socket);
      socket.destroy();
      return true;
    }
    return false;
  }
}
