import { describe, expect, it } from 'vitest';
import { BAD_HEADERS_MAX } from '../shared/limits.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { bytesOf, Feed, wireOf } from './testing/feed.ts';

/** A header that no source means: the payload would have 4 GiB. */
const IMPOSSIBLE = Buffer.concat([Buffer.alloc(11), Buffer.alloc(12, 0xff)]);

describe('users stay, and get every byte,', () => {
  it('when the source is not there at the start', async () => {
    const rig = await EdgeRig.start({}, 'away');
    const feed = new Feed('zato01');
    const user = await rig.watch('user-1', 'zato01');
    expect(await rig.metric('source_connected')).toBe(0);
    await rig.source.listen();
    await rig.connected(1);
    await rig.deliver(feed.make(100), user);
    expect(user.bytes.equals(feed.bytes)).toBe(true);
  });

  it('when the source breaks off midway and goes on where it was', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    const users = await rig.watchAll(['user-1', 'user-2'], 'zato01');
    for (let life = 1; life <= 4; life += 1) {
      await rig.deliver(feed.make(60), ...users);
      await rig.source.drop();
      await rig.connected(life + 1);
    }
    await rig.deliver(feed.make(60), ...users);
    for (const user of users) expect(user.bytes.equals(feed.bytes)).toBe(true);
    expect(users.every((user) => user.isWatching)).toBe(true);
    expect(await rig.metric('channel_lost_packets_total', 'zato01')).toBe(0);
    expect(await rig.metric('channel_restarts_total', 'zato01')).toBe(0);
  });

  it('when the source breaks off within a packet, at its header or payload, and sends it again', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    const user = await rig.watch('user-1', 'zato01');
    await rig.deliver(feed.make(10), user);
    for (const [life, cut] of [1, 10, 22, 23, 24, 100].entries()) {
      const packets = feed.make(3);
      const [whole, broken] = [packets.slice(0, 2), packets.slice(2)];
      await rig.deliver(whole, user);
      rig.source.write(wireOf(broken).subarray(0, cut));
      await rig.source.drop();
      await rig.connected(life + 2);
      await rig.deliver(broken, user);
    }
    expect(user.bytes.equals(feed.bytes)).toBe(true);
  });

  it('when the source is gone for a while, and packets with it', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    const user = await rig.watch('user-1', 'zato01');
    await rig.deliver(feed.make(60), user);
    await rig.source.close();
    await rig.eventually(() => rig.metric('source_connected')).toBe(0);
    feed.leaveOut(7);
    await rig.source.listen();
    await rig.connected(2);
    await rig.deliver(feed.make(60), user);
    expect(user.bytes.equals(feed.bytes)).toBe(true);
    expect(await rig.metric('channel_lost_packets_total', 'zato01')).toBe(7);
    expect(user.isWatching).toBe(true);
  });

  it('when the source repeats what it had sent before it goes on', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    const user = await rig.watch('user-1', 'zato01');
    await rig.deliver(feed.make(60), user);
    await rig.source.drop();
    await rig.connected(2);
    rig.source.send(feed.made.slice(20));
    await rig.deliver(feed.make(60), user);
    expect(user.bytes.equals(feed.bytes)).toBe(true);
    expect(await rig.metric('channel_late_packets_total', 'zato01')).toBe(40);
  });

  it.each([
    ['where the old one has got not much further', 50],
    ['where the old one is far ahead', 5000],
  ])('when the source starts again from 0, %s', async (_where, before) => {
    const rig = await EdgeRig.start();
    const [first, second] = [new Feed('zato01'), new Feed('zato01', { life: 1 })];
    const user = await rig.watch('user-1', 'zato01');
    await rig.deliver(first.make(before), user);
    await rig.source.close();
    await rig.source.listen();
    await rig.connected(2);
    await rig.deliver(second.make(40), user);
    await rig.deliver(second.make(200), user);
    expect(user.bytes.equals(Buffer.concat([first.bytes, second.bytes]))).toBe(true);
    const epochs = [
      await rig.metric('channel_restarts_total', 'zato01'),
      await rig.metric('channel_jumps_total', 'zato01'),
    ];
    expect(epochs[0]! + epochs[1]!).toBe(1);
    expect(await rig.metric('channel_lost_packets_total', 'zato01')).toBe(0);
    expect(user.isWatching).toBe(true);
  });

  it('when the source jumps, without a new connection', async () => {
    const rig = await EdgeRig.start();
    const [first, second] = [new Feed('zato01'), new Feed('zato01', { first: 10_000_000_000n })];
    const user = await rig.watch('user-1', 'zato01');
    await rig.deliver(first.make(100), user);
    await rig.deliver(second.make(100), user);
    expect(user.bytes.equals(Buffer.concat([first.bytes, second.bytes]))).toBe(true);
    expect(await rig.metric('channel_jumps_total', 'zato01')).toBe(1);
  });

  it('when sequences pass 2^64', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01', { first: 2n ** 64n - 50n });
    const wrapped = new Feed('zato01');
    const user = await rig.watch('user-1', 'zato01');
    const packets = [...feed.make(50), ...wrapped.make(50)];
    await rig.deliver(packets, user);
    expect(user.bytes.equals(bytesOf(packets))).toBe(true);
    expect(await rig.metric('channel_jumps_total', 'zato01')).toBe(0);
  });

  it('when framing is lost: what came before it counts, and the source is connected anew', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    const user = await rig.watch('user-1', 'zato01');
    for (let times = 1; times <= 3; times += 1) {
      const rest = Buffer.concat([IMPOSSIBLE, Buffer.alloc(100_000, 0x2a)]);
      const packets = feed.make(50);
      const received = user.receivedBytes;
      rig.source.write(Buffer.concat([wireOf(packets), rest]));
      await rig.eventually(() => user.receivedBytes).toBe(received + bytesOf(packets).length);
      await rig.eventually(() => rig.metric('source_framing_lost_total')).toBe(times);
      await rig.connected(times + 1);
    }
    await rig.deliver(feed.make(50), user);
    expect(user.bytes.equals(feed.bytes)).toBe(true);
    expect(user.isWatching).toBe(true);
  });

  it('when the source speaks rubbish from the first byte, until it comes to its senses', async () => {
    const rig = await EdgeRig.start();
    const user = await rig.watch('user-1', 'zato01');
    rig.source.write(Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'));
    await rig.eventually(() => rig.metric('source_framing_lost_total')).toBe(1);
    await rig.connected(2);
    const feed = new Feed('zato01');
    await rig.deliver(feed.make(50), user);
    expect(user.bytes.equals(feed.bytes)).toBe(true);
  });
});

describe('headers that can be none', () => {
  it('in a row are lost framing, and the source is connected anew', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    const user = await rig.watch('user-1', 'zato01');
    await rig.deliver(feed.make(10), user);
    rig.source.send(new Feed('\xff\xfe').make(BAD_HEADERS_MAX));
    await rig.eventually(() => rig.metric('source_framing_lost_total')).toBe(1);
    await rig.connected(2);
    await rig.deliver(feed.make(10), user);
    expect(user.bytes.equals(feed.bytes)).toBe(true);
  });
});

describe('packets that belong to no channel', () => {
  it('for their id is not printable ASCII, are dropped and counted, and harm no other', async () => {
    const rig = await EdgeRig.start();
    const good = new Feed('zato01');
    const bad = ['z\xe9to01', '\0\0\0\0\0\0', 'a b', '\x7f'].map((channel) => new Feed(channel));
    const user = await rig.watch('user-1', 'zato01');
    for (let i = 0; i < 10; i += 1) {
      for (const feed of bad) rig.source.send(feed.make(2));
      await rig.deliver(good.make(20), user);
    }
    expect(user.bytes.equals(good.bytes)).toBe(true);
    expect(await rig.metric('source_dropped_packets_total', 'bad_channel')).toBe(80);
    expect(await rig.metric('channels')).toBe(1);
  });

  it('for MAX_CHANNELS are there, are dropped and counted; the channels that are there go on', async () => {
    const rig = await EdgeRig.start({ MAX_CHANNELS: '2' });
    const feeds = ['first', 'second', 'third'].map((channel) => new Feed(channel));
    const users = [
      await rig.watch('user-1', 'first'),
      await rig.watch('user-2', 'second'),
      await rig.watch('user-3', 'third'),
    ];
    for (let i = 0; i < 10; i += 1) {
      rig.source.send(feeds[2]!.make(i === 0 ? 0 : 3));
      await rig.deliver(feeds[0]!.make(20), users[0]!);
      await rig.deliver(feeds[1]!.make(20), users[1]!);
    }
    expect(users[0]!.bytes.equals(feeds[0]!.bytes)).toBe(true);
    expect(users[1]!.bytes.equals(feeds[1]!.bytes)).toBe(true);
    expect([users[2]!.receivedBytes, users[2]!.isWatching]).toEqual([0, true]);
    expect(await rig.metric('source_dropped_packets_total', 'max_channels')).toBe(27);
    expect(await rig.metric('channels')).toBe(2);
  });

  it('are those of no channel that users could make: a watcher alone creates none', async () => {
    const rig = await EdgeRig.start({ MAX_CHANNELS: '1', MAX_SESSIONS_PER_USER: '60' });
    rig.store.registered.add('user-1');
    for (let i = 0; i < 50; i += 1) rig.connect(`user-1 wish${i}`);
    await rig.eventually(() => rig.metric('users_waiting')).toBe(50);
    const feed = new Feed('zato01');
    const user = await rig.watch('user-2', 'zato01');
    await rig.deliver(feed.make(20), user);
    expect(user.bytes.equals(feed.bytes)).toBe(true);
    expect(await rig.metric('channels')).toBe(1);
  });
});
