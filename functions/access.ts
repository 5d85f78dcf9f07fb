import type { FastifyRequest } from 'fastify';
import { HttpError } from '../shared/errors.ts';
import type { UserId } from '../shared/ids.ts';
import { bearerToken } from '../shared/tokens/bearer.ts';
import { secretCheck } from '../shared/tokens/secret-check.ts';
import { type TokenSettings, TokenVerifier } from '../shared/tokens/token-verifier.ts';

export type Purpose = 'register' | 'unregister' | 'usage' | 'edges';

/**
 * Lets a request pass.
 * @param userId on whose behalf it is; undefined where it is about nobody
 * @throws HttpError where it may not
 */
export type Authorize = (
  request: FastifyRequest,
  userId: UserId | undefined,
  purpose: Purpose,
) => void;

interface AccessSettings extends TokenSettings {
  readonly API_KEYS: readonly string[];
}

/**
 * Who may ask for what, by what stands in `Authorization: Bearer`. An API key, for the operator's own systems, opens
 * everything; a stream token opens its own user's usage, and the list of edge nodes. What nothing was set for is open, but for unregistering: that takes
 * a key, since it takes away what a user is billed by. Neither is taken from a query,
 * which would stand in the logs of every proxy.
 *
 * @throws ConfigError where the key set cannot be used
 */
export function accessBy(settings: AccessSettings): Authorize {
  const isKey = secretCheck(settings.API_KEYS);
  const hasKeys = settings.API_KEYS.length > 0;
  const tokens = TokenVerifier.of(settings);
  const isOpen: Readonly<Record<Purpose, boolean>> = {
    register: !hasKeys,
    unregister: false,
    usage: !hasKeys && !tokens.isRequired,
    edges: !hasKeys && !tokens.isRequired,
  };
  return (request, userId, purpose) => {
    if (isOpen[purpose]) return;
    if (purpose === 'unregister' && !hasKeys) throw new HttpError('api_key_needed');
    const bearer = bearerToken(request.headers.authorization);
    if (bearer === undefined) throw new HttpError('bad_token');
    if (isKey(bearer)) return;
    const token = tokens.verify(bearer);
    if (purpose === 'usage' && token?.userId === userId) return;
    if (purpose === 'edges' && token !== undefined) return;
    throw new HttpError('bad_token');
  };
}
