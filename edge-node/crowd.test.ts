import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { ARRIVAL_GRACE_MS } from '../shared/limits.ts';
import { selfSigned } from '../shared/testing/self-signed.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { certificateFiles, GET, HALF_HELLO, saying, tls } from './testing/opening.ts';
import type { ScriptedUser } from './testing/scripted-user.ts';

/** A node with room for 128 users, and a few files for whoever has no session. */
const FILES = 256;
const CROWD = 600;
/** One is accepted in a turn of the event loop, and a look at them all makes a turn long. */
const LOOK_MS = 250;
const SLOWEST_MS = 60_000;

vi.mock(import('../shared/open-files.ts'), async (original) => ({
  ...(await original()),
  openFilesLimit: () => FILES,
}));

const PORTS = [
  [
    '9111',
    (rig: EdgeRig) => rig.connect(),
    (user: string) => `${user} zato01\n`,
    /^ERR too_many_connections .*\n$/,
  ],
  [
    '9113',
    (rig: EdgeRig) => rig.connectHttp(''),
    (user: string) => `GET /watch/zato01?user=${user} HTTP/1.1\r\nHost: a\r\n\r\n`,
    /^HTTP\/1\.1 503 .*\r\n\r\n\{"code":"too_many_connections".*\}$/s,
  ],
] as const;

/** How a crowd comes: what it says at once, or a round trip after it was accepted. */
const WAYS = [
  ['that asks at once', 0],
  ['that asks a little later', 100],
] as const;

describe.each(PORTS)('on %s', (_port, open, ask, refusal) => {
  const isRefused = (user: ScriptedUser) => user.isEnded && refusal.test(user.text);
  const isIn = (user: ScriptedUser) =>
    user.isWatching && (user.text === '' || user.text.startsWith('HTTP/1.1 200 '));

  it.each(WAYS)(
    'a crowd %s is let in or told why not: nobody is cut off',
    async (_way, laterMs) => {
      const rig = await EdgeRig.start();
      rig.store.latencyMs = 100;
      const names = Array.from({ length: CROWD }, (_, i) => `user-${i}`);
      for (const name of names) rig.store.registered.add(name);
      const crowd = names.map((name) => {
        const user = open(rig);
        setTimeout(() => user.send(ask(name)), laterMs);
        return user;
      });
      const answered = async () => crowd.filter(isRefused).length + (await rig.metric('users'));
      await expect.poll(answered, { interval: LOOK_MS, timeout: SLOWEST_MS }).toBe(CROWD);
      expect(crowd.filter(isIn)).toHaveLength(await rig.metric('users'));
      expect(crowd.map(({ errorCode }) => errorCode).filter(Boolean)).toEqual([]);
    },
    2 * SLOWEST_MS,
  );
});

it.each(['usersPort', 'watchPort'] as const)(
  'half a handshake of TLS on %s takes no viewer’s place: those that are silent make room',
  async (port) => {
    const pair = selfSigned();
    const rig = await EdgeRig.start(await certificateFiles(pair));
    rig.store.registered.add('user-1');
    const half = Array.from({ length: FILES }, () =>
      saying(rig, connect(rig[port], '127.0.0.1'), HALF_HELLO),
    );
    await rig.eventually(() => half.some(({ isClosed }) => isClosed)).toBe(true);
    await sleep(ARRIVAL_GRACE_MS);
    const player = saying(
      rig,
      tls(rig[port], pair),
      port === 'watchPort' ? GET : 'user-1 zato01\n',
    );
    await rig.eventually(() => rig.metric('users')).toBe(1);
    expect(player.isWatching).toBe(true);
    expect(await rig.metric('refusal_causes_total', 'silent')).toBeGreaterThan(0);
  },
);
