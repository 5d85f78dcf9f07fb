import { createDecoder, createVerifier } from 'fast-jwt';
import type { CauseOf, Refusal } from '../errors.ts';
import { type ChannelId, parseChannelId, parseUserId, type UserId } from '../ids.ts';
import { type PublicKey, readKeySet } from './key-set.ts';

/** What a valid token says: who its bearer is, and what they may watch. */
export interface TokenClaims {
  readonly userId: UserId;
  /** Undefined: every channel. */
  readonly channels: ReadonlySet<ChannelId> | undefined;
}

/** The settings that say which tokens are good. */
export interface TokenSettings {
  readonly STREAM_TOKEN_SECRETS: readonly string[];
  readonly STREAM_TOKEN_JWKS_FILE: string;
}

type Verify = (token: string) => unknown;

const decodeHeader = createDecoder({ complete: true });

/**
 * Checks stream tokens: JSON Web Tokens (RFC 7519) with `sub` (the user), `exp`, and `channels` (a list) where not
 * every channel may be watched. The algorithm belongs to the key and never to the token: a secret verifies HS256 alone,
 * a public key the one algorithm of its kind. All that a token can be wrong in has one answer, undefined.
 */
export class TokenVerifier {
  readonly #bySecret: readonly Verify[];
  readonly #byKeyId: ReadonlyMap<string, Verify>;

  constructor(secrets: readonly string[], keys: readonly PublicKey[]) {
    const requiredClaims = ['sub', 'exp'];
    this.#bySecret = secrets.map((key) =>
      createVerifier({ key, algorithms: ['HS256'], requiredClaims }),
    );
    this.#byKeyId = new Map(
      keys.map(({ id, pem, algorithm }) => [
        id,
        createVerifier({ key: pem, algorithms: [algorithm], requiredClaims }),
      ]),
    );
  }

  /** @throws ConfigError where the key set cannot be used */
  static of({ STREAM_TOKEN_SECRETS, STREAM_TOKEN_JWKS_FILE }: TokenSettings): TokenVerifier {
    const keys = STREAM_TOKEN_JWKS_FILE === '' ? [] : readKeySet(STREAM_TOKEN_JWKS_FILE);
    return new TokenVerifier(STREAM_TOKEN_SECRETS, keys);
  }

  /** Whether anyone has to show a token at all. */
  get isRequired(): boolean {
    return this.#bySecret.length > 0 || this.#byKeyId.size > 0;
  }

  /** Why a user who shows this token may not watch a channel; undefined where it may, or where none is asked for. */
  refusalOf(
    token: string | undefined,
    { userId, channelId }: { readonly userId: UserId; readonly channelId: ChannelId },
  ): Refusal<'bad_token'> | undefined {
    if (!this.isRequired) return undefined;
    const claims = this.claimsOf(token, userId);
    if (typeof claims === 'string') return { code: 'bad_token', cause: claims };
    if (claims.channels?.has(channelId) !== false) return undefined;
    return { code: 'bad_token', cause: 'other_channel' };
  }

  /** What a token says that this user shows, or what is wrong with it. */
  claimsOf(
    token: string | undefined,
    userId: UserId,
  ): TokenClaims | Exclude<CauseOf<'bad_token'>, 'other_channel'> {
    if (token === undefined || token === '') return 'missing';
    const claims = this.verify(token);
    if (claims === undefined) return 'invalid';
    return claims.userId === userId ? claims : 'other_user';
  }

  verify(token: string): TokenClaims | undefined {
    for (const verify of this.#verifiersOf(token)) {
      const claims = attempt(() => verify(token));
      if (claims !== undefined) return parseClaims(claims);
    }
    return undefined;
  }

  /** A token that names a key is checked by that key alone; any other by each secret. */
  #verifiersOf(token: string): readonly Verify[] {
    const decoded = attempt(() => decodeHeader(token)) as
      | { header?: { kid?: unknown } }
      | undefined;
    if (decoded === undefined) return [];
    const keyId = decoded.header?.kid;
    if (keyId === undefined) return this.#bySecret;
    const verify = typeof keyId === 'string' ? this.#byKeyId.get(keyId) : undefined;
    return verify === undefined ? [] : [verify];
  }
}

/** fast-jwt throws for whatever is wrong with a token. */
function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function parseClaims(claims: unknown): TokenClaims | undefined {
  const { sub, channels } = claims as { sub?: unknown; channels?: unknown };
  const userId = typeof sub === 'string' ? parseUserId(sub) : undefined;
  if (userId === undefined) return undefined;
  if (channels === undefined) return { userId, channels: undefined };
  if (!Array.isArray(channels)) return undefined;
  const allowed = channels.map((id) => (typeof id === 'string' ? parseChannelId(id) : undefined));
  if (!allowed.every((id) => id !== undefined)) return undefined;
  return { userId, channels: new Set(allowed) };
}
