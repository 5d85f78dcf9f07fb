import type { Socket } from 'node:net';
import type { Refusal } from '../../shared/errors.ts';
import type { TokenVerifier } from '../../shared/tokens/token-verifier.ts';
import type { Registrations } from '../admission/registrations.ts';
import type { ConnectionRecord } from './connection-record.ts';
import type { Request, Sessions } from './sessions.ts';

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

/** Where a connection comes from; the socket of a client that is gone already has no address any more. */
export function peerAddress(socket: Socket): string {
  return socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
}

/** All that is asked between a user's request and its session, the same for every transport. */
export class Entrance {
  readonly #parts: EntranceParts;

  constructor(parts: EntranceParts) {
    this.#parts = parts;
  }

  /**
   * Lets a user in, or says why not. `begin` is called in the turn in which the place was made, before anyone else can
   * take it. A client that has gone meanwhile is counted here.
   */
  async enter(
    socket: Socket,
    request: Request,
    token: string | undefined,
    begin: () => void,
  ): Promise<'begun' | 'gone' | EntryRefusal> {
    const { tokens, sessions, record } = this.#parts;
    // Whoever would find no place anyway costs the store nothing.
    const early =
      tokens.refusalOf(token, request) ??
      sessions.refusalOf(request) ??
      (await this.#refusalByStore(request));
    if (socket.destroyed) {
      record.closed(sessions.isDraining ? 'shutdown' : 'client_reset');
      return 'gone';
    }
    const refusal = early ?? sessions.admit(request);
    if (refusal !== undefined) return refusal;
    begin();
    return 'begun';
  }

  async #refusalByStore({ userId }: Request): Promise<EntryRefusal | undefined> {
    const registration = await this.#parts.registrations.check(userId);
    return registration === 'registered' ? undefined : { code: registration };
  }
}
