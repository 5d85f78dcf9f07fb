import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../shared/config.ts';
import { selfSigned } from '../shared/testing/self-signed.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { Feed } from './testing/feed.ts';
import { bodyOf, certificateFiles, GET, HALF_HELLO, saying, tls } from './testing/opening.ts';
import { proxyHeader, rawProxyHeader } from './testing/proxy-header.ts';
import type { ScriptedUser } from './testing/scripted-user.ts';

const PROXIES = { PROXY_PROTOCOL_FROM: '127.0.0.0/8' };

describe('behind a balancer', () => {
  async function rigBehind(settings = {}) {
    const rig = await EdgeRig.start({ ...PROXIES, ...settings });
    rig.store.registered.add('user-1').add('viewer');
    return rig;
  }
  const from = (address: string, what: string) =>
    Buffer.concat([proxyHeader(address), Buffer.from(what)]);
  const connection = (port: number) => connect(port, '127.0.0.1');

  it('limits and log lines know where users are, on both ports', async () => {
    const rig = await rigBehind({ MAX_USERS_PER_ADDRESS: '1' });
    const feed = new Feed('zato01');
    const one = saying(rig, connection(rig.usersPort), from('203.0.113.7', 'user-1 zato01\n'));
    await rig.eventually(() => rig.metric('users')).toBe(1);
    const two = saying(rig, connection(rig.watchPort), from('2001:db8::7', GET));
    await rig.eventually(() => rig.metric('users')).toBe(2);
    const third = saying(rig, connection(rig.watchPort), from('203.0.113.7', GET));
    await rig.eventually(() => third.text).toMatch(/^HTTP\/1\.1 503 /);
    expect(rig.lines.join('')).toContain('"address":"203.0.113.7"');
    await rig.eventually(() => two.text).toContain('\r\n\r\n');
    await rig.deliver(feed.make(20), one, two);
    expect(one.bytes.equals(feed.bytes)).toBe(true);
    expect(bodyOf(two).equals(feed.bytes)).toBe(true);
  });

  it('the header comes before TLS', async () => {
    const pair = selfSigned();
    const rig = await rigBehind(await certificateFiles(pair));
    const feed = new Feed('zato01');
    const users: ScriptedUser[] = [];
    for (const [port, what] of [
      [rig.usersPort, 'user-1 zato01\n'],
      [rig.watchPort, GET],
    ] as const) {
      const raw = connection(port);
      raw.write(proxyHeader('203.0.113.7'));
      users.push(saying(rig, tls(port, pair, raw), what));
    }
    await rig.eventually(() => rig.metric('users')).toBe(2);
    await rig.eventually(() => users[1]?.text).toContain('\r\n\r\n');
    await rig.deliver(feed.make(20), ...users);
    const { users: sessions } = await rig.status('user-1');
    expect(sessions.map((each) => (each as { address?: string }).address)).toEqual([
      '203.0.113.7',
      '203.0.113.7',
    ]);
  });

  it.each([
    ['byte by byte', 1],
    ['in two pieces', 20],
  ])('the header may come %s', async (_, size) => {
    const rig = await rigBehind();
    const bytes = from('203.0.113.7', 'user-1 zato01\n');
    const socket = connection(rig.usersPort).setNoDelay();
    const user = rig.connectBy(socket);
    for (let at = 0; at < bytes.length; at += size) {
      await new Promise((done) => socket.write(bytes.subarray(at, at + size), done));
    }
    await rig.eventually(() => rig.metric('users')).toBe(1);
    expect(user.isWatching).toBe(true);
  });

  it('who stops in the middle of the header or of the handshake is cut off after 10 s', async () => {
    const rig = await rigBehind(await certificateFiles(selfSigned()));
    const header = proxyHeader('203.0.113.7');
    const half = [rig.usersPort, rig.watchPort].flatMap((port) => [
      saying(rig, connection(port), header.subarray(0, 17)),
      saying(rig, connection(port), Buffer.concat([header, HALF_HELLO])),
    ]);
    await rig.eventually(() => half.every(({ isClosed }) => isClosed)).toBe(true);
    expect(await rig.metric('closes_total', 'proxy_failed')).toBe(2);
    expect(await rig.metric('closes_total', 'tls_failed')).toBe(2);
    expect(rig.lines.join('')).toContain('it took too long');
  });

  it('its own connections need no user, and count as those of its address', async () => {
    const rig = await rigBehind();
    const local = rawProxyHeader(0x20, 0, Buffer.alloc(0));
    const check = saying(rig, connection(rig.usersPort), local);
    check.socket.end();
    await rig.eventually(() => check.isClosed).toBe(true);
    expect(rig.lines).toEqual([]);
  });

  it.each([
    ['no header', 'user-1 zato01\n', 'no PROXY header'],
    ['one of version 1', 'PROXY TCP4 203.0.113.7 10.0.0.1 1 2\r\nuser-1 zato01\n', 'version 1'],
  ])('%s is refused on both ports, with a clear line, and harms nobody', async (_, bytes, why) => {
    const rig = await rigBehind();
    const feed = new Feed('zato01');
    const viewer = saying(rig, connection(rig.usersPort), from('203.0.113.7', 'viewer zato01\n'));
    await rig.eventually(() => rig.metric('users')).toBe(1);
    for (const port of [rig.usersPort, rig.watchPort]) {
      const peer = saying(rig, connection(port), bytes);
      await rig.eventually(() => peer.isClosed).toBe(true);
      expect(peer.text).toBe('');
    }
    expect(await rig.metric('closes_total', 'proxy_failed')).toBe(2);
    expect(rig.lines.join('')).toContain(why);
    await rig.deliver(feed.make(20), viewer);
    expect(viewer.isWatching).toBe(true);
  });

  it('from elsewhere a header is what a user says, and no address', async () => {
    const rig = await EdgeRig.start({ PROXY_PROTOCOL_FROM: '192.0.2.0/24, 2001:db8::/32' });
    rig.store.registered.add('user-1');
    const forged = saying(rig, connection(rig.usersPort), from('203.0.113.7', 'user-1 zato01\n'));
    await rig.eventually(() => forged.text).toMatch(/^ERR malformed /);
    const player = saying(rig, connection(rig.watchPort), from('203.0.113.7', GET));
    await rig.eventually(() => player.text).toMatch(/^HTTP\/1\.1 400 /);
    expect(rig.lines.join('')).not.toContain('203.0.113.7');
  });
});

it.each(['10.0.0.0/33', '10.0.0.0/x', 'balancer', '10.0.0.0/8/8', '::/129'])(
  'PROXY_PROTOCOL_FROM=%s is refused at the start',
  (given) => {
    expect(() => loadConfig({ PROXY_PROTOCOL_FROM: given })).toThrow(
      /^PROXY_PROTOCOL_FROM must be/,
    );
  },
);
