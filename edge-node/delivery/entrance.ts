import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Refusal } from '../../shared/errors.ts';
import type { TokenVerifier } from '../../shared/tokens/token-verifier.ts';
import type { Registrations } from '../admission/registrations.ts';
import type { ConnectionRecord } from './connection-record.ts';
import type { Connection, Request, Sessions } from './sessions.ts';

interface EntranceParts {
  readonly tokens: TokenVerifier;
  readonly sessions: Sessions;
  readonly registrations: Registrations;
  readonly record: ConnectionRecord;
}

/** What a user may be told who has asked as one should. */
export type EntryRefusal = Refusal<
  'bad_token' | 'not_registered' | 'too_many_connections' | 'store_unavailable' | 'shutting_down'
>;

/** All that is asked between a user's request and its session, the same for every transport. */
export class Entrance {
  readonly #parts: EntranceParts;

  constructor(parts: EntranceParts) {
    this.#parts = parts;
  }

  /**
   * Lets a user in, or says why not. `claim` takes the connection from its transport, once there is a place. A client
   * that has gone meanwhile is counted here.
   */
  async enter(
    socket: Socket,
    request: Request,
    token: string | undefined,
    claim: () => Connection,
  ): Promise<'begun' | 'gone' | EntryRefusal> {
    const { tokens, sessions } = this.#parts;
    // Whoever would find no place anyway costs the store nothing.
    const early =
      tokens.refusalOf(token, request) ??
      (await sessions.refusalOf(request)) ??
      (await this.#refusalByStore(request));
    if (socket.destroyed) return this.#gone();
    if (early !== undefined) return early;
    const entry = await sessions.enter(request, {
      // What TLS knows of a connection stays in this process.
      isMovable: !(socket instanceof TLSSocket),
      isGone: () => socket.destroyed,
      claim,
    });
    return entry === 'gone' ? this.#gone() : entry;
  }

  #gone(): 'gone' {
    const { sessions, record } = this.#parts;
    record.closed(sessions.isDraining ? 'shutdown' : 'client_reset');
    return 'gone';
  }

  async #refusalByStore({ userId }: Request): Promise<EntryRefusal | undefined> {
    const registration = await this.#parts.registrations.check(userId);
    return registration === 'registered' ? undefined : { code: registration };
  }
}
