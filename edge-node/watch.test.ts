import { describe, expect, it } from 'vitest';
import { WATCH_REFUSALS } from '../shared/errors.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { Feed } from './testing/feed.ts';
import type { ScriptedUser } from './testing/scripted-user.ts';

const HEAD = [
  'HTTP/1.1 200 OK',
  'Content-Type: video/mp2t',
  'Cache-Control: no-store',
  'Accept-Ranges: none',
  'Connection: close',
  'X-Accel-Buffering: no',
  'X-Content-Type-Options: nosniff',
  'Referrer-Policy: no-referrer',
  '\r\n',
].join('\r\n');

const get = (target: string, ...headers: string[]) =>
  [`GET ${target} HTTP/1.1`, 'Host: edge', ...headers, '\r\n'].join('\r\n');

const HEAD_REQUEST = get('/watch/zato01?user=user-1').replace('GET', 'HEAD');

/** Plays the feed to a player that has its head already, and compares every byte. */
async function expectPlaying(rig: EdgeRig, player: ScriptedUser, feed: Feed): Promise<void> {
  await rig.eventually(() => player.text).toBe(HEAD);
  await rig.eventually(() => rig.metric('users')).toBe(1);
  await rig.deliver(feed.make(20), player);
  expect(player.bytes.subarray(HEAD.length).equals(feed.bytes)).toBe(true);
}

async function expectRefused(rig: EdgeRig, player: ScriptedUser, status: number, code: string) {
  await rig.eventually(() => player.isEnded || player.isClosed).toBe(true);
  const [head = '', body = ''] = player.text.split('\r\n\r\n');
  expect([head.split(' ')[1], JSON.parse(body).code]).toEqual([String(status), code]);
  return { head, body };
}

describe('a player', () => {
  it('is sent the channel and nothing else behind the head, and is billed for it', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const player = rig.connectHttp(get('/watch/zato01?user=user-1'));
    await expectPlaying(rig, player, new Feed('zato01'));
    await rig
      .eventually(async () => (await rig.status('user-1')).users)
      .toMatchObject([{ user: 'user-1', channel: 'zato01', seconds: 0.4 }]);
  });

  it.each([
    ['names a file, as some must', '/watch/zato01.ts?user=user-1', []],
    [
      'asks for a range, as VLC, mpv and ffmpeg do',
      '/watch/zato01?user=user-1',
      ['Range: bytes=0-'],
    ],
    ['says where to begin', '/watch/zato01?user=user-1&start=live', []],
    ['percent-encodes what needs none', '/watch/%7Aato01?user=%75ser-1', []],
  ])('may be one that %s', async (_, target, headers) => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    await expectPlaying(rig, rig.connectHttp(get(target, ...headers)), new Feed('zato01'));
  });

  it('may speak HTTP/1.0', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const player = rig.connectHttp('GET /watch/zato01?user=user-1 HTTP/1.0\r\n\r\n');
    await expectPlaying(rig, player, new Feed('zato01'));
  });

  it('may close its side at once: the stream goes on', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const player = rig.connectHttp(get('/watch/zato01?user=user-1'));
    player.socket.end();
    await expectPlaying(rig, player, new Feed('zato01'));
  });

  it('begins as it asks: live, or at the newest entry point, uncounted what came before it', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    rig.store.registered.add('early').add('late').add('live');
    const early = await rig.watch('early', 'zato01');
    await rig.deliver(feed.make(5), early);
    const late = rig.connectHttp(get('/watch/zato01?user=late'));
    const live = rig.connectHttp(get('/watch/zato01?user=live&start=live'));
    await rig.eventually(() => live.text).toBe(HEAD);
    await rig.eventually(() => late.receivedBytes).toBe(HEAD.length + feed.bytes.length);
    const seconds = async () => (await rig.status('late')).users[0]?.seconds;
    expect(await seconds()).toBe(0);
    await rig.deliver(feed.make(10), early, late, live);
    expect(live.bytes.subarray(HEAD.length).equals(feed.bytes.subarray(5 * 188))).toBe(true);
    await rig.eventually(seconds).toBe(0.2);
  });

  it('who asks with HEAD reads the head, and has no session', async () => {
    const rig = await EdgeRig.start();
    const player = rig.connectHttp(HEAD_REQUEST);
    await rig.eventually(() => player.isEnded).toBe(true);
    expect(player.text).toBe(HEAD);
    expect(await rig.metric('users')).toBe(0);
  });
});

describe('a player who cannot be served', () => {
  it.each([
    ['no user', '/watch/zato01', 400, 'malformed'],
    ['two users', '/watch/zato01?user=a&user=b', 400, 'malformed'],
    ['a user that is no id', '/watch/zato01?user=a%20b', 400, 'malformed'],
    ['a channel that is no id', '/watch/zato%2001?user=user-1', 400, 'malformed'],
    ['a start that there is not', '/watch/zato01?user=user-1&start=now', 400, 'malformed'],
    ['a user who is not registered', '/watch/zato01?user=nobody', 403, 'not_registered'],
  ] as const)('reads why, as JSON: %s', async (_, target, status, code) => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const { body } = await expectRefused(rig, rig.connectHttp(get(target)), status, code);
    expect(JSON.parse(body)).toEqual({
      code,
      message: WATCH_REFUSALS[code as keyof typeof WATCH_REFUSALS].message,
    });
    expect(await rig.metric('refusals_total', code)).toBe(1);
    expect(await rig.metric('users')).toBe(0);
  });

  it('is told when to ask again where that helps', async () => {
    const rig = await EdgeRig.start();
    rig.store.mode = 'failing';
    const player = rig.connectHttp(get('/watch/zato01?user=user-1'));
    const { head } = await expectRefused(rig, player, 503, 'store_unavailable');
    expect(head.toLowerCase()).toContain('retry-after: 1');
  });

  it('past MAX_SESSIONS_PER_USER is treated as on 9111, whatever transport the others came by', async () => {
    const rig = await EdgeRig.start({ MAX_SESSIONS_PER_USER: '1' });
    const first = await rig.watch('user-1', 'zato01');
    const second = rig.connectHttp(get('/watch/zato01?user=user-1'));
    await rig.eventually(() => first.isClosed).toBe(true);
    expect(await rig.metric('closes_total', 'replaced')).toBe(1);
    const third = rig.connectHttp(get('/watch/zato01?user=user-1'));
    await expectRefused(rig, third, 503, 'too_many_connections');
    expect(second.isWatching).toBe(true);
  });
});

it('a path that takes another method says which', async () => {
  const rig = await EdgeRig.start();
  const player = rig.connectHttp(get('/watch/zato01?user=user-1').replace('GET', 'POST'));
  await rig.eventually(() => player.text).toContain('method_not_allowed');
  expect(player.text).toMatch(/^HTTP\/1\.1 405 .*\r\nallow: GET, HEAD\r\n/s);
});

describe('a hostile peer', () => {
  it('who pipelines two requests has one session', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1').add('user-2');
    const both = get('/watch/zato01?user=user-1') + get('/watch/zato02?user=user-2');
    const player = rig.connectHttp(both);
    await rig.eventually(() => player.text).toBe(HEAD);
    const [first, second] = [new Feed('zato01'), new Feed('zato02')];
    await rig.deliver(first.make(50), player);
    rig.source.send(second.make(50));
    await rig.deliver(first.make(50), player);
    expect(player.bytes.subarray(HEAD.length).equals(first.bytes)).toBe(true);
    expect(await rig.metric('users')).toBe(1);
  });

  it('who pipelines two requests and vanishes takes no place for long, whatever it waits for', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const waiting = get('/watch/never1?user=user-1');
    const player = rig.connectHttp(waiting + waiting);
    await rig.eventually(() => player.text).toBe(HEAD);
    player.socket.resetAndDestroy();
    await rig.eventually(() => rig.metric('users')).toBe(0);
    expect(await rig.metric('closes_total', 'client_reset')).toBe(1);
  });

  it('who begins a second request and never ends it watches on', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const feed = new Feed('zato01');
    const player = rig.connectHttp(`${get('/watch/zato01?user=user-1')}GET /`);
    await expectPlaying(rig, player, feed);
    // A request that was begun later is cut off: by then this one would have been, too.
    const late = rig.connectHttp('GET /');
    await rig.eventually(() => late.text).toMatch(/^HTTP\/1\.1 400 /);
    await rig.deliver(feed.make(20), player);
    expect(player.bytes.subarray(HEAD.length).equals(feed.bytes)).toBe(true);
    expect(player.isWatching).toBe(true);
  });

  it('who asks with HEAD again and again, and never closes, keeps nobody out', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    for (let asked = 0; asked < 512; asked += 8) {
      const some = Array.from({ length: 8 }, () => rig.connectHttp(HEAD_REQUEST));
      await rig.eventually(() => some.every((peer) => peer.isEnded)).toBe(true);
      expect(some.map((peer) => peer.text)).toEqual(some.map(() => HEAD));
    }
    const player = rig.connectHttp(get('/watch/zato01?user=user-1'));
    await expectPlaying(rig, player, new Feed('zato01'));
  });

  it('who goes on talking is heard out up to 64 KiB, and closed past them', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const player = rig.connectHttp(get('/watch/zato01?user=user-1'));
    await expectPlaying(rig, player, new Feed('zato01'));
    player.send('x'.repeat(70 * 1024));
    await rig.eventually(() => player.isClosed).toBe(true);
    expect(await rig.metric('closes_total', 'client_talks')).toBe(1);
  });
});
