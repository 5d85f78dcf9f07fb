import { createHmac } from 'node:crypto';

export const TOKEN_SECRET = 'a secret of at least thirty-two bytes';

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token made by hand, as RFC 7515 says: a library might forgive itself what it gets wrong. */
export function jwt(header: object, claims: object, sign: (text: string) => Buffer): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${sign(text).toString('base64url')}`;
}

export function hmac(key: string, hash = 'sha256'): (text: string) => Buffer {
  return (text) => createHmac(hash, key).update(text).digest();
}

/** A good token, unless `claims`, `key` or `header` spoil it. It ends in an hour. */
export function streamToken(claims: object, key = TOKEN_SECRET, header: object = {}): string {
  const exp = Math.floor(Date.now() / 1000) + 3_600;
  return jwt({ alg: 'HS256', typ: 'JWT', ...header }, { exp, ...claims }, hmac(key));
}
