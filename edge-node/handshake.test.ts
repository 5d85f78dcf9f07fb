import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { REFUSALS, type RefusalCode } from '../shared/errors.ts';
import { HANDSHAKE_TIMEOUT_MS } from '../shared/limits.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { Feed } from './testing/feed.ts';
import type { ScriptedUser } from './testing/scripted-user.ts';

/** Exactly one line, then FIN; no reset, whatever the user has sent. */
async function expectRefused(rig: EdgeRig, user: ScriptedUser, code: RefusalCode): Promise<void> {
  await rig.eventually(() => user.isEnded || user.isClosed).toBe(true);
  expect([user.text, user.isEnded, user.errorCode]).toEqual([
    `ERR ${code} ${REFUSALS[code]}\n`,
    true,
    undefined,
  ]);
}

async function expectWatching(rig: EdgeRig, user: ScriptedUser, feed: Feed): Promise<void> {
  await rig.eventually(() => rig.metric('users')).toBe(1);
  await rig.deliver(feed.make(20), user);
  expect(user.bytes.equals(feed.bytes)).toBe(true);
}

/** Lets what was written arrive on its own: a full round through the edge node lies between two pieces. */
async function sendInPieces(rig: EdgeRig, user: ScriptedUser, pieces: Iterable<string>) {
  for (const piece of pieces) {
    user.send(piece);
    await rig.metric('users');
  }
}

describe('the line', () => {
  it('may come byte by byte', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const user = rig.connect();
    await sendInPieces(rig, user, 'user-1 zato01\n');
    await expectWatching(rig, user, new Feed('zato01'));
  });

  it('may end in CR LF, even with a read between the two', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const user = rig.connect();
    await sendInPieces(rig, user, ['user-1 zato01\r', '\n']);
    await expectWatching(rig, user, new Feed('zato01'));
  });

  it('may be followed by more in the same read, which nobody minds', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const user = rig.connect('user-1 zato01\nuser-2 zato02\nGET / HTTP/1.1');
    await expectWatching(rig, user, new Feed('zato01'));
  });

  it('may name a user of 128 bytes of UTF-8', async () => {
    const rig = await EdgeRig.start();
    const id = 'ü€😀'.repeat(14).concat('ab');
    expect(Buffer.byteLength(id)).toBe(128);
    rig.store.registered.add(id);
    await expectWatching(rig, rig.connect(`${id} zato01`), new Feed('zato01'));
  });

  it('may have 512 bytes and no more, counting LF', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('u');
    const longest = rig.connect(`u ${'c'.repeat(509)}`);
    await rig.eventually(() => rig.metric('users_waiting')).toBe(1);
    await expectRefused(rig, rig.connect(`u ${'c'.repeat(510)}`), 'malformed');
    const endless = rig.connect();
    endless.send('u'.repeat(512));
    await expectRefused(rig, endless, 'malformed');
    expect(longest.isWatching).toBe(true);
  });

  it.each([
    ['nothing', '\n'],
    ['one word', 'user-1\n'],
    ['three words', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['two spaces', 'user-1  zato01\n'],
    ['a space before it', ' user-1 zato01\n'],
    ['a space behind it', 'user-1 zato01 \n'],
    ['a tab', 'user-1\tzato01\n'],
    ['a user id with a slash', 'user/1 zato01\n'],
    ['a user id of 129 bytes', `${'u'.repeat(129)} zato01\n`],
    ['a channel that is not ASCII', 'user-1 zató01\n'],
    ['a NUL', 'user-1 zato\x001\n'],
    ['a CR in it', 'user-1 zato\r01\n'],
    ['half of a UTF-8 character', Buffer.from('user-\xc3 zato01\n', 'latin1')],
    ['a TLS client', Buffer.from('16030100a5010000a10303a1b20a', 'hex')],
    ['bytes of every kind', Buffer.from(Array.from({ length: 600 }, (_, i) => i & 0xff))],
  ])('that is %s is malformed', async (_name, bytes) => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const user = rig.connect();
    user.send(bytes);
    await expectRefused(rig, user, 'malformed');
    expect(await rig.metric('refusals_total', 'malformed')).toBe(1);
    expect(await rig.metric('closes_total', 'refused')).toBe(1);
  });

  it('that ends in FIN before LF is malformed', async () => {
    const rig = await EdgeRig.start();
    const user = rig.connect();
    user.socket.end('user-1 zato01');
    await expectRefused(rig, user, 'malformed');
  });

  it('that came in time is in time, though the edge node was held up until the time was over', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const user = rig.connect();
    await rig.eventually(() => rig.metric('connections_total')).toBe(1);
    user.send('user-1 zato01\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, HANDSHAKE_TIMEOUT_MS + 500);
    await expectWatching(rig, user, new Feed('zato01'));
  });

  it('that never comes, or comes a byte now and then, is refused after 10 s', async () => {
    const rig = await EdgeRig.start();
    const silent = rig.connect();
    const trickling = rig.connect();
    const timer = setInterval(() => trickling.send('u'), 200);
    // Who goes on after the refusal is reset some time.
    trickling.socket.on('end', () => clearInterval(timer));
    await expectRefused(rig, silent, 'timeout');
    await expectRefused(rig, trickling, 'timeout');
  });
});

describe('STREAM_HOST', () => {
  it('localhost is each address that this machine has for it, as on the other ports', async () => {
    const rig = await EdgeRig.start({ STREAM_HOST: 'localhost' });
    rig.store.registered.add('user-1');
    const addresses = await lookup('localhost', { all: true });
    const here = Object.values(networkInterfaces()).flat();
    const own = addresses.filter(({ address }) => here.some((each) => each?.address === address));
    expect(own.length).toBeGreaterThan(0);
    const feed = new Feed('zato01');
    const users = own.map(({ address }) => rig.connect('user-1 zato01', address));
    await rig.eventually(() => rig.metric('users')).toBe(own.length);
    await rig.deliver(feed.make(20), ...users);
  });
});

describe('a refused user', () => {
  it('who is not registered learns it, and is let in once registered', async () => {
    const rig = await EdgeRig.start();
    await expectRefused(rig, rig.connect('user-1 zato01'), 'not_registered');
    rig.store.registered.add('user-1');
    await expectWatching(rig, rig.connect('user-1 zato01'), new Feed('zato01'));
  });

  it('gets the line though its own bytes were never read', async () => {
    const rig = await EdgeRig.start();
    const user = rig.connect('user-1 zato01');
    for (let i = 0; i < 16; i += 1) user.send(Buffer.alloc(64 * 1024, 'x'));
    await expectRefused(rig, user, 'not_registered');
  });

  it('is rid of soon, though it never closes its side', async () => {
    const rig = await EdgeRig.start();
    const user = rig.connect('user-1 zato01');
    await expectRefused(rig, user, 'not_registered');
    const timer = setInterval(() => user.send('still there?'), 50);
    await rig.eventually(() => user.isClosed).toBe(true);
    clearInterval(timer);
  });

  it('is told that the store is away, fails or hangs', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    rig.store.mode = 'failing';
    await expectRefused(rig, rig.connect('user-1 zato01'), 'store_unavailable');
    rig.store.mode = 'hanging';
    await expectRefused(rig, rig.connect('user-1 zato01'), 'store_unavailable');
    rig.store.mode = 'up';
    await expectWatching(rig, rig.connect('user-1 zato01'), new Feed('zato01'));
  });

  it('is none who was known before the store went away', async () => {
    const rig = await EdgeRig.start({ REGISTRATION_TTL_MS: '0' });
    const first = await rig.watch('user-1', 'zato01');
    first.socket.resetAndDestroy();
    await rig.eventually(() => rig.metric('users')).toBe(0);
    rig.store.mode = 'failing';
    await expectWatching(rig, rig.connect('user-1 zato01'), new Feed('zato01'));
    await expectRefused(rig, rig.connect('user-2 zato01'), 'store_unavailable');
  });

  it('gets the line however many are refused at once', async () => {
    const rig = await EdgeRig.start();
    const users = Array.from({ length: 1000 }, (_, i) => rig.connect(`nobody-${i} zato01`));
    await rig
      .eventually(() => users.filter(({ isEnded, isClosed }) => !isEnded && !isClosed).length)
      .toBe(0);
    const line = `ERR not_registered ${REFUSALS.not_registered}\n`;
    expect(users.filter(({ text }) => text !== line)).toHaveLength(0);
    expect(users.filter(({ errorCode }) => errorCode !== undefined)).toHaveLength(0);
    expect(await rig.metric('refusals_total', 'not_registered')).toBe(users.length);
  });

  it('harms nobody: those who watch get every byte meanwhile', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    const user = await rig.watch('user-1', 'zato01');
    for (let i = 0; i < 20; i += 1) {
      rig.connect(i % 2 === 0 ? 'nobody zato01' : 'rubbish');
      rig.connect().socket.resetAndDestroy();
      await rig.deliver(feed.make(20), user);
    }
    expect(user.bytes.equals(feed.bytes)).toBe(true);
    await rig.eventually(() => rig.metric('closes_total', 'refused')).toBe(20);
    expect(await rig.metric('users')).toBe(1);
  });
});
