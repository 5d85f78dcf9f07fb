import { ARRIVALS_MAX } from '../../shared/limits.ts';
import type { Crowd, Room } from '../../shared/net/room.ts';
import type { FileShares } from './open-files.ts';

/**
 * The files of connections without a session, on all ports. Each crowd has a share of its own, and borrows what nobody
 * else needs: so one crowd shuts no other out, and a node without users takes in as many as it has files. Whoever
 * has borrowed gives way to whoever is owed.
 */
export class FileRoom implements Room {
  readonly #shares: FileShares;
  readonly #sessions: { readonly size: number };
  readonly #crowds: Crowd[] = [];

  constructor(shares: FileShares, sessions: { readonly size: number }) {
    this.#shares = shares;
    this.#sessions = sessions;
  }

  join(crowd: Crowd): () => boolean {
    this.#crowds.push(crowd);
    return () => this.#hasRoomFor(crowd);
  }

  #hasRoomFor(crowd: Crowd): boolean {
    if (crowd.size >= ARRIVALS_MAX) return false;
    const share = this.#shares.crowd;
    const others = this.#crowds.filter((other) => other !== crowd);
    if (crowd.size >= share) {
      const owed = others.reduce((sum, { size }) => sum + Math.max(0, share - size), 0);
      return this.#free > owed;
    }
    return this.#free > 0 || others.some((other) => other.size > share && other.makeRoom());
  }

  get #free(): number {
    const arrived = this.#crowds.reduce((sum, { size }) => sum + size, 0);
    return this.#shares.connections - this.#sessions.size - arrived;
  }
}
