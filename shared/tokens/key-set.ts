import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ConfigError, reasonOf } from '../errors.ts';

/** A public key out of a JSON Web Key Set, with the one algorithm that it verifies. */
export interface PublicKey {
  readonly id: string;
  readonly pem: string;
  readonly algorithm: 'RS256' | 'ES256' | 'EdDSA';
}

const SETTING = 'STREAM_TOKEN_JWKS_FILE';

/**
 * Reads a key set (RFC 7517): RSA, P-256 and Ed25519 keys, each with a `kid` of its own.
 * @throws ConfigError that says which key cannot serve, and why
 */
export function readKeySet(path: string): PublicKey[] {
  let keys: unknown;
  try {
    ({ keys } = JSON.parse(readFileSync(path, 'utf8')) as { keys?: unknown });
  } catch (cause) {
    throw new ConfigError(`${SETTING}: ${path} cannot be read as JSON: ${reasonOf(cause)}`, {
      cause,
    });
  }
  if (!Array.isArray(keys) || keys.length === 0) {
    throw new ConfigError(`${SETTING}: ${path} holds no "keys"`);
  }
  const read = keys.map((key, index) => publicKey(key, `${SETTING}: key ${index + 1} of ${path}`));
  if (new Set(read.map(({ id }) => id)).size < read.length) {
    throw new ConfigError(`${SETTING}: two keys of ${path} have the same "kid"`);
  }
  return read;
}

function publicKey(jwk: Readonly<Record<string, unknown>>, where: string): PublicKey {
  const { kid } = jwk;
  if (typeof kid !== 'string' || kid === '') throw new ConfigError(`${where} has no "kid"`);
  if (jwk.d !== undefined)
    throw new ConfigError(`${where} is a private key: it does not belong here`);
  let key: KeyObject;
  try {
    key = createPublicKey({ key: jwk, format: 'jwk' });
  } catch (cause) {
    throw new ConfigError(`${where} is no public key: ${reasonOf(cause)}`, { cause });
  }
  const algorithm = algorithmOf(key);
  if (algorithm === undefined) {
    throw new ConfigError(`${where} must be RSA of 2048 bits or more, P-256 or Ed25519`);
  }
  return { id: kid, pem: key.export({ type: 'spki', format: 'pem' }).toString(), algorithm };
}

function algorithmOf(key: KeyObject): PublicKey['algorithm'] | undefined {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA';
  if (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return 'ES256';
  if (key.asymmetricKeyType === 'rsa' && modulusLength >= 2048) return 'RS256';
  return undefined;
}
