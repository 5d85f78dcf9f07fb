import type { Socket } from 'node:net';
import type { Refusal, RefusalCode } from '../../shared/errors.ts';
import { LOBBY_MAX } from '../../shared/limits.ts';
import { refuse } from './handshake.ts';

/** Refuses a connection that has not sent its line. */
type GiveUp = (refusal: Refusal) => void;

/**
 * Connections without a session. They have files of their own, so that nobody takes a viewer's place by silence:
 *
 *     silent ── the line ──▶ asking ── admitted ──▶ a session's
 *       │                      │
 *       └─────── refused ──────┴──▶ lingering ── read and dropped for a while ──▶ closed
 *
 * Where there is no room for one more, whoever has lingered longest is closed, since its line was sent long ago; else
 * whoever has been silent longest is refused.
 */
export class Lobby {
  /** Connections that files allow in all, those with a session too. */
  readonly #maxConnections: number;
  readonly #sessions: { readonly size: number };
  /** Those who have not sent their line, whoever has been silent longest first, each with what refuses it. */
  readonly #silent = new Map<Socket, GiveUp>();
  readonly #asking = new Set<Socket>();
  readonly #lingering = new Set<Socket>();

  constructor(maxConnections: number, sessions: { readonly size: number }) {
    this.#maxConnections = maxConnections;
    this.#sessions = sessions;
  }

  /** Connections that have neither been admitted nor refused yet. */
  get arriving(): number {
    return this.#silent.size + this.#asking.size;
  }

  /** Takes in a connection that has said nothing yet. @returns whether there is room */
  enter(socket: Socket, giveUp: GiveUp): boolean {
    const isRoom = this.#hasRoom || this.#closeLongestLingering() || this.#refuseLongestSilent();
    if (isRoom) this.#silent.set(socket, giveUp);
    return isRoom;
  }

  /** Its line is there. */
  spoke(socket: Socket): void {
    if (this.#silent.delete(socket)) this.#asking.add(socket);
  }

  /** It has a session, or is gone. */
  leave(socket: Socket): void {
    this.#silent.delete(socket);
    this.#asking.delete(socket);
  }

  /** Tells it why not, and closes it a while later. */
  refuse(socket: Socket, code: RefusalCode): void {
    this.leave(socket);
    if (socket.destroyed) return;
    if (!this.#hasRoom) this.#closeLongestLingering();
    this.#lingering.add(socket);
    socket.on('close', () => this.#lingering.delete(socket));
    refuse(socket, code);
  }

  /** Ends all but those who are being told why not: they end by themselves, soon. */
  close(): void {
    for (const socket of this.#silent.keys()) socket.destroy();
    for (const socket of this.#asking) socket.destroy();
  }

  #closeLongestLingering(): boolean {
    for (const socket of this.#lingering) {
      this.#lingering.delete(socket);
      socket.destroy();
      return true;
    }
    return false;
  }

  #refuseLongestSilent(): boolean {
    for (const [socket, giveUp] of this.#silent) {
      this.#silent.delete(socket);
      giveUp({ code: 'too_many_connections', cause: 'silent' });
      return true;
    }
    return false;
  }

  get #hasRoom(): boolean {
    const size = this.arriving + this.#lingering.size;
    return size < LOBBY_MAX && size + this.#sessions.size < this.#maxConnections;
  }
}
