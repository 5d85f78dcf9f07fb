import { generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfigError } from '../errors.ts';
import { hmac, jwt, streamToken, TOKEN_SECRET } from '../testing/jwt.ts';
import { readKeySet } from './key-set.ts';
import { TokenVerifier } from './token-verifier.ts';

const OTHER = 'another secret, as long as the first!!';
const HOUR_S = 3_600;
const soon = () => Math.floor(Date.now() / 1000) + HOUR_S;

const sign = streamToken;

const KINDS = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
} satisfies Record<string, { readonly publicKey: KeyObject; readonly privateKey: KeyObject }>;

function keySetFile(keys: object[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'streaming-keys-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'jwks.json');
  writeFileSync(path, JSON.stringify({ keys }));
  return path;
}

const jwk = (kind: keyof typeof KINDS) => ({
  ...KINDS[kind].publicKey.export({ format: 'jwk' }),
  kid: kind,
});

describe('a token', () => {
  const verifier = new TokenVerifier([TOKEN_SECRET, OTHER], []);

  it.each([TOKEN_SECRET, OTHER])('is good for any of the secrets', (key) => {
    const given = sign({ sub: 'user-1', exp: soon() }, key);
    expect(verifier.verify(given)).toEqual({ userId: 'user-1', channels: undefined });
  });

  it('may say what its bearer may watch', () => {
    const given = sign({ sub: 'user-1', exp: soon(), channels: ['zato01', 'zato02'] });
    expect(verifier.verify(given)?.channels).toEqual(new Set(['zato01', 'zato02']));
  });

  it.each([
    ['nothing', ''],
    ['no token', 'x.y.z'],
    ['one past its time', sign({ sub: 'user-1', exp: soon() - 2 * HOUR_S })],
    ['one before its time', sign({ sub: 'user-1', exp: soon(), nbf: soon() - 60 })],
    ['one without an end', sign({ sub: 'user-1', exp: undefined })],
    ['one that ends at no number', sign({ sub: 'user-1', exp: 'never' })],
    ['one of nobody', sign({ exp: soon() })],
    ['one of a user that is no id', sign({ sub: 'a b', exp: soon() })],
    ['one by another secret', sign({ sub: 'user-1', exp: soon() }, 'x'.repeat(40))],
    ['one whose channels are no list', sign({ sub: 'user-1', exp: soon(), channels: 'zato01' })],
    ['one with a channel that is no id', sign({ sub: 'user-1', exp: soon(), channels: ['a b'] })],
    [
      'one by a key that nobody knows',
      sign({ sub: 'user-1', exp: soon() }, TOKEN_SECRET, { kid: 'k' }),
    ],
    ['alg none', jwt({ alg: 'none' }, { sub: 'user-1', exp: soon() }, () => Buffer.alloc(0))],
    ['alg none, signed', jwt({ alg: 'none' }, { sub: 'user-1', exp: soon() }, hmac(TOKEN_SECRET))],
    [
      'a stronger algorithm than the pinned one',
      jwt({ alg: 'HS512' }, { sub: 'user-1', exp: soon() }, hmac(TOKEN_SECRET, 'sha512')),
    ],
  ])('is refused: %s', (_, given) => {
    expect(verifier.verify(given)).toBeUndefined();
  });

  it('that was changed anywhere is refused', () => {
    const given = sign({ sub: 'user-1', exp: soon() });
    fc.assert(
      fc.property(fc.nat(given.length - 1), fc.constantFrom(...'abcXYZ019-_.'), (at, char) => {
        const changed = `${given.slice(0, at)}${char}${given.slice(at + 1)}`;
        // The last digit of a signature has bits that no byte takes.
        fc.pre(changed !== given && at < given.length - 1);
        return verifier.verify(changed) === undefined;
      }),
    );
  });

  it('nothing that anyone sends throws', () => {
    fc.assert(fc.property(fc.string({ maxLength: 2048 }), (text) => void verifier.verify(text)));
  });
});

describe('a key set', () => {
  it.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('verifies %s by kid', (kind) => {
    const keys = readKeySet(keySetFile([jwk('RS256'), jwk('ES256'), jwk('EdDSA')]));
    const { privateKey } = KINDS[kind];
    const hash = kind === 'EdDSA' ? null : 'sha256';
    const signer = (text: string) =>
      signBytes(hash, Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const claims = { sub: 'user-1', exp: soon() };
    const verifier = new TokenVerifier([], keys);
    const named = jwt({ alg: kind, kid: kind }, claims, signer);
    expect(verifier.verify(named)).toEqual({ userId: 'user-1', channels: undefined });
    const unnamed = jwt({ alg: kind }, claims, signer);
    expect(verifier.verify(unnamed)).toBeUndefined();
  });

  it('does not take its public key for a secret: HS256 signed with it is refused', () => {
    const [key] = readKeySet(keySetFile([jwk('RS256')]));
    const header = { alg: 'HS256', kid: 'RS256' };
    const forged = jwt(header, { sub: 'user-1', exp: soon() }, hmac(key!.pem));
    expect(new TokenVerifier([TOKEN_SECRET], [key!]).verify(forged)).toBeUndefined();
  });

  it.each([
    ['no key at all', [], 'holds no "keys"'],
    ['a key without a name', [{ ...jwk('ES256'), kid: '' }], 'has no "kid"'],
    ['the same name twice', [jwk('ES256'), { ...jwk('EdDSA'), kid: 'ES256' }], 'same "kid"'],
    ['a key that is none', [{ kty: 'EC', kid: 'x' }], 'is no public key'],
    [
      'a private key',
      [{ ...KINDS.EdDSA.privateKey.export({ format: 'jwk' }), kid: 'x' }],
      'private',
    ],
    [
      'a curve that is not served',
      [
        {
          ...generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' }),
          kid: 'x',
        },
      ],
      'P-256 or Ed25519',
    ],
  ])('stops the start where it has %s', (_, keys, problem) => {
    const path = keySetFile(keys);
    expect(() => readKeySet(path)).toThrow(ConfigError);
    expect(() => readKeySet(path)).toThrow(problem);
  });
});
