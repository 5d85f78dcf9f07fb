import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { REFUSALS } from '../shared/errors.ts';
import { hmac, jwt, streamToken, TOKEN_SECRET } from '../shared/testing/jwt.ts';
import { EdgeRig } from './testing/edge-rig.ts';

const DAY_S = 86_400;
const now = () => Math.floor(Date.now() / 1000);

const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PUBLIC_PEM = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const CLAIMS = { sub: 'user-1', exp: now() + DAY_S };

/** Two secrets, and a key set with one key, whose public half everyone may know. */
async function rigWithTokens(): Promise<EdgeRig> {
  const folder = await mkdtemp(join(tmpdir(), 'streaming-tokens-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const STREAM_TOKEN_JWKS_FILE = join(folder, 'jwks.json');
  const key = { ...publicKey.export({ format: 'jwk' }), kid: 'rsa' };
  await writeFile(STREAM_TOKEN_JWKS_FILE, JSON.stringify({ keys: [key] }));
  const rig = await EdgeRig.start({
    STREAM_TOKEN_SECRETS: `${'x'.repeat(32)}, ${TOKEN_SECRET}`,
    STREAM_TOKEN_JWKS_FILE,
  });
  rig.store.registered.add('user-1');
  return rig;
}

const get = (target: string, ...headers: string[]) =>
  [`GET ${target} HTTP/1.1`, 'Host: edge', ...headers, '\r\n'].join('\r\n');

describe('where tokens are asked for', () => {
  it('a good one is let in: as the third word, in a query, as a Bearer', async () => {
    const rig = await rigWithTokens();
    const token = streamToken({ sub: 'user-1', channels: ['zato01', 'zato02'] });
    rig.connect(`user-1 zato01 ${token}`);
    rig.connectHttp(get(`/watch/zato01?user=user-1&token=${token}`));
    rig.connectHttp(get('/watch/zato02?user=user-1', `Authorization: Bearer ${token}`));
    await rig.eventually(() => rig.metric('users')).toBe(3);
  });

  it('the line has room for a long one, and no more than 2 KiB', async () => {
    const rig = await rigWithTokens();
    const token = streamToken({ sub: 'user-1', note: 'x'.repeat(1_200) });
    rig.connect(`user-1 zato01 ${token}`);
    await rig.eventually(() => rig.metric('users')).toBe(1);
    const endless = rig.connect();
    endless.send(`user-1 zato01 ${'x'.repeat(2_048)}`);
    await rig.eventually(() => endless.text).toBe(`ERR malformed ${REFUSALS.malformed}\n`);
  });

  it.each([
    ['none', '', 'missing'],
    ['one of another user', ` ${streamToken({ sub: 'user-2' })}`, 'other_user'],
    ['one that has ended', ` ${streamToken({ sub: 'user-1', exp: now() - DAY_S })}`, 'invalid'],
    [
      'one for another channel',
      ` ${streamToken({ sub: 'user-1', channels: ['zato02'] })}`,
      'other_channel',
    ],
    ['one by another secret', ` ${streamToken({ sub: 'user-1' }, 'y'.repeat(32))}`, 'invalid'],
    [
      'one by a key nobody knows',
      ` ${streamToken({ sub: 'user-1' }, TOKEN_SECRET, { kid: 'k' })}`,
      'invalid',
    ],
    ['alg none', ` ${jwt({ alg: 'none' }, CLAIMS, () => Buffer.alloc(0))}`, 'invalid'],
    ['alg none, signed', ` ${jwt({ alg: 'none' }, CLAIMS, hmac(TOKEN_SECRET))}`, 'invalid'],
    [
      'HS256 signed with the public key',
      ` ${jwt({ alg: 'HS256', kid: 'rsa' }, CLAIMS, hmac(PUBLIC_PEM))}`,
      'invalid',
    ],
    [
      'the same without the name of the key',
      ` ${jwt({ alg: 'HS256' }, CLAIMS, hmac(PUBLIC_PEM))}`,
      'invalid',
    ],
    [
      'RS256 signed with a secret',
      ` ${jwt({ alg: 'RS256', kid: 'rsa' }, CLAIMS, hmac(TOKEN_SECRET))}`,
      'invalid',
    ],
  ])(
    '%s is refused at both doors, counted by its cause, and asks nothing of the store',
    async (_, word, cause) => {
      const rig = await rigWithTokens();
      rig.store.mode = 'failing';
      const user = rig.connect(`user-1 zato01${word}`);
      const player = rig.connectHttp(get(`/watch/zato01?user=user-1&token=${word.trim()}`));
      await rig.eventually(() => user.text).toBe(`ERR bad_token ${REFUSALS.bad_token}\n`);
      await rig.eventually(() => player.text).toMatch(/^HTTP\/1\.1 401 .*"bad_token"/s);
      expect(await rig.metric('refusals_total', 'bad_token')).toBe(2);
      expect(await rig.metric('refusal_causes_total', cause)).toBe(2);
      const log = rig.lines.join('');
      expect(log).toContain(`"cause":"${cause}"`);
      if (word !== '') expect(log).not.toContain(word.trim());
    },
  );

  it('a good one does not make up for a missing registration', async () => {
    const rig = await rigWithTokens();
    const user = rig.connect(`nobody zato01 ${streamToken({ sub: 'nobody' })}`);
    await rig.eventually(() => user.text).toBe(`ERR not_registered ${REFUSALS.not_registered}\n`);
  });
});

it('where none is asked for, the seed’s line is all that is taken', async () => {
  const rig = await EdgeRig.start();
  rig.store.registered.add('user-1');
  const user = rig.connect(`user-1 zato01 ${streamToken({ sub: 'user-1' })}`);
  await rig.eventually(() => user.text).toBe(`ERR malformed ${REFUSALS.malformed}\n`);
});
