import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../shared/clock.ts';
import { loadConfig } from '../shared/config.ts';
import { ConfigError } from '../shared/errors.ts';
import { type SelfSigned, selfSigned } from '../shared/testing/self-signed.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { Feed } from './testing/feed.ts';
import { bodyOf, certificateFiles, GET, HALF_HELLO, saying, tls } from './testing/opening.ts';
import { pushedClock } from './testing/pushed-clock.ts';

const DAY_MS = 86_400_000;

async function rigWithTls(clock = systemClock()) {
  const pair = selfSigned();
  const files = await certificateFiles(pair);
  const rig = await EdgeRig.start(files, 'there', clock);
  rig.store.registered.add('user-1').add('viewer');
  return { rig, pair, files };
}

describe('by TLS', () => {
  it('both ports serve the channel whole, and bill it to the second', async () => {
    const { rig, pair } = await rigWithTls();
    const feed = new Feed('zato01', { payloadBytes: 40_000 });
    const line = saying(rig, tls(rig.usersPort, pair), 'viewer zato01\n');
    const player = saying(rig, tls(rig.watchPort, pair), GET);
    await rig.eventually(() => rig.metric('users')).toBe(2);
    await rig.eventually(() => player.text).toContain('\r\n\r\n');
    for (let round = 0; round < 5; round += 1) await rig.deliver(feed.make(20), line, player);
    expect(line.bytes.equals(feed.bytes)).toBe(true);
    expect(bodyOf(player).equals(feed.bytes)).toBe(true);
    for (const user of ['viewer', 'user-1']) {
      await rig.eventually(async () => (await rig.status(user)).users[0]?.seconds).toBe(2);
    }
  });

  it('a user may close its side and watch on, and is refused by a line that arrives', async () => {
    const { rig, pair } = await rigWithTls();
    const feed = new Feed('zato01');
    const user = saying(rig, tls(rig.usersPort, pair), 'user-1 zato01\n');
    user.socket.end();
    await rig.eventually(() => rig.metric('users')).toBe(1);
    await rig.deliver(feed.make(20), user);
    const stranger = saying(rig, tls(rig.usersPort, pair), 'stranger zato01\n');
    await rig.eventually(() => stranger.text).toMatch(/^ERR not_registered .*\n$/);
    await rig.eventually(() => stranger.isEnded).toBe(true);
    await rig.deliver(feed.make(20), user);
    expect(user.bytes.equals(feed.bytes)).toBe(true);
  });

  it('who speaks plainly gets nothing, is counted, and harms no viewer', async () => {
    const { rig, pair } = await rigWithTls();
    const feed = new Feed('zato01');
    const viewer = saying(rig, tls(rig.usersPort, pair), 'viewer zato01\n');
    await rig.eventually(() => rig.metric('users')).toBe(1);
    const plain = [
      saying(rig, connect(rig.usersPort, '127.0.0.1'), 'user-1 zato01\n'),
      saying(rig, connect(rig.watchPort, '127.0.0.1'), GET),
    ];
    await rig.eventually(() => plain.map(({ isClosed }) => isClosed)).toEqual([true, true]);
    expect(plain.map(({ text }) => text)).toEqual(['', '']);
    expect(await rig.metric('closes_total', 'tls_failed')).toBe(2);
    await rig.deliver(feed.make(20), viewer);
    expect(viewer.bytes.equals(feed.bytes)).toBe(true);
  });

  it('who is older than TLS 1.2 is not served', async () => {
    const { rig, pair } = await rigWithTls();
    const old = { ca: pair.cert, servername: 'localhost', maxVersion: 'TLSv1.1' } as const;
    const socket = connectTls({
      ...old,
      minVersion: 'TLSv1',
      ciphers: 'ALL:@SECLEVEL=0',
      port: rig.usersPort,
      host: '127.0.0.1',
    });
    const user = saying(rig, socket, 'user-1 zato01\n');
    await rig.eventually(() => user.isClosed).toBe(true);
    expect(user.receivedBytes).toBe(0);
  });

  it('who connects and leaves without a word is no failure', async () => {
    const { rig } = await rigWithTls();
    const probes = [rig.usersPort, rig.watchPort].map((port) =>
      rig.connectBy(connect(port, '127.0.0.1').end()),
    );
    await rig.eventually(() => probes.map(({ isClosed }) => isClosed)).toEqual([true, true]);
    await rig.eventually(() => rig.metric('closes_total', 'client_closed')).toBe(2);
    expect(rig.lines).toEqual([]);
  });

  it('who is in the middle of the handshake at a stop is no failure', async () => {
    const { rig } = await rigWithTls();
    const half = [rig.usersPort, rig.watchPort].map((port) =>
      saying(rig, connect(port, '127.0.0.1'), HALF_HELLO),
    );
    await rig.eventually(() => half.every(({ socket }) => !socket.connecting)).toBe(true);
    // Long since read.
    for (let turns = 0; turns < 10; turns += 1) await rig.metric('users');
    await rig.stop();
    await rig
      .eventually(() => half.every(({ isEnded, isClosed }) => isEnded || isClosed))
      .toBe(true);
    expect(rig.lines).toEqual([]);
  });

  it('who does not read is closed as stalled, by a reset, and its memory is bounded', async () => {
    const clock = pushedClock();
    const { rig, pair } = await rigWithTls(clock);
    const feed = new Feed('zato01', { payloadBytes: 100_000 });
    const viewer = saying(rig, tls(rig.usersPort, pair), 'viewer zato01\n');
    const slow = saying(rig, tls(rig.usersPort, pair), 'user-1 zato01\n');
    await rig.eventually(() => rig.metric('users')).toBe(2);
    slow.socket.pause();
    const isStalled = async () => (await rig.metric('closes_total', 'stalled')) === 1;
    while (!(await isStalled())) {
      await rig.deliver(feed.make(50), viewer);
      // The viewer's write is done, however slow this machine is, and the other's may be stuck.
      clock.push(loadConfig({}).USER_STALL_MS);
    }
    expect(await rig.metric('users')).toBe(1);
    await rig.deliver(feed.make(50), viewer);
    expect(viewer.bytes.equals(feed.bytes)).toBe(true);
    slow.socket.resume();
    await rig.eventually(() => slow.isClosed).toBe(true);
    expect(slow.errorCode).toBe('ECONNRESET');
  });

  it('a renewed certificate serves the next connection; one that cannot serve changes nothing', async () => {
    const { rig, pair, files } = await rigWithTls();
    const feed = new Feed('zato01');
    const viewer = saying(rig, tls(rig.usersPort, pair), 'viewer zato01\n');
    await rig.eventually(() => rig.metric('users')).toBe(1);
    const next = selfSigned(new Date(Date.now() + 7 * DAY_MS));
    await writeFile(files.STREAM_TLS_CERT, next.cert);
    await rig.eventually(() => rig.metric('tls_certificate_unusable')).toBe(1);
    expect(rig.lines.join('')).toContain('the last good one is kept');
    const served = async (by: SelfSigned) => {
      const user = rig.connectBy(tls(rig.watchPort, by));
      await rig
        .eventually(() => user.isClosed || !(user.socket as TLSSocket).connecting)
        .toBe(true);
      await rig.eventually(() => user.isClosed || (user.socket as TLSSocket).authorized).toBe(true);
      return (user.socket as TLSSocket).authorized;
    };
    expect([await served(pair), await served(next)]).toEqual([true, false]);
    await writeFile(files.STREAM_TLS_KEY, next.key);
    await rig.eventually(() => rig.metric('tls_certificate_unusable')).toBe(0);
    expect([await served(pair), await served(next)]).toEqual([false, true]);
    const daysLeft = (await rig.metric('tls_certificate_expires_timestamp_seconds')) * 1000;
    expect(Math.round((daysLeft - Date.now()) / DAY_MS)).toBe(7);
    await rig.deliver(feed.make(20), viewer);
    expect(viewer.isWatching).toBe(true);
  });

  it('a start without a usable pair ends with a line that names the files', async () => {
    const files = await certificateFiles({ ...selfSigned(), key: selfSigned().key });
    await expect(EdgeRig.start(files)).rejects.toThrow(
      new RegExp(`^STREAM_TLS_CERT=${files.STREAM_TLS_CERT} and STREAM_TLS_KEY=`),
    );
    expect(() => loadConfig({ STREAM_TLS_KEY: 'key.pem' })).toThrow(ConfigError);
    expect(() => loadConfig({ STREAM_TLS_KEY: 'key.pem' })).toThrow(
      'STREAM_TLS_CERT must be set with STREAM_TLS_KEY',
    );
  });
});
