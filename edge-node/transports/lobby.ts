import type { Socket } from 'node:net';
import { monotonicMs } from '../../shared/clock.ts';
import { REFUSALS, type Refusal, type RefusalCode } from '../../shared/errors.ts';
import { ARRIVAL_GRACE_MS } from '../../shared/limits.ts';
import type { Crowd, Room } from '../../shared/net/room.ts';
import { TurnedAway } from '../../shared/net/turned-away.ts';

/** Refuses a connection that has not sent its line. */
type GiveUp = (refusal: Refusal) => void;

interface Silent {
  readonly sinceMs: number;
  readonly giveUp: GiveUp;
}

/**
 * Connections of 9111 without a session. They have files of their own, so that nobody takes a viewer's place by silence:
 *
 *     silent ── the line ──▶ asking ── admitted ──▶ a session's
 *       │                      │
 *       └─────── refused ──────┴──▶ turned away: told so, and closed a while later
 *
 * Where there is no room for one more, whoever has been silent longest is refused, if that is long enough for a line to
 * have come; else the newcomer is.
 */
export class Lobby implements Crowd {
  readonly #hasRoom: () => boolean;
  readonly #turnedAway: TurnedAway;
  /** Those who have not sent their line, whoever has been silent longest first. */
  readonly #silent = new Map<Socket, Silent>();
  readonly #asking = new Set<Socket>();

  constructor(room: Room) {
    this.#hasRoom = room.join(this);
    this.#turnedAway = new TurnedAway(room);
  }

  /** Connections that have neither been admitted nor refused yet. */
  get size(): number {
    return this.#silent.size + this.#asking.size;
  }

  /** Takes in a connection that has said nothing yet. @returns whether there is room */
  enter(socket: Socket, giveUp: GiveUp): boolean {
    const isRoom = this.#hasRoom() || this.makeRoom();
    if (isRoom) this.#silent.set(socket, { sinceMs: monotonicMs(), giveUp });
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
    this.#turnedAway.tell(socket, `ERR ${code} ${REFUSALS[code]}\n`);
  }

  makeRoom(): boolean {
    for (const [socket, { sinceMs, giveUp }] of this.#silent) {
      if (monotonicMs() - sinceMs < ARRIVAL_GRACE_MS) return false;
      this.#silent.delete(socket);
      giveUp({ code: 'too_many_connections', cause: 'silent' });
      return true;
    }
    return false;
  }

  /** Ends all but those who are being told why not: they end by themselves, soon. */
  close(): void {
    for (const socket of this.#silent.keys()) socket.destroy();
    for (const socket of this.#asking) socket.destroy();
  }
}
