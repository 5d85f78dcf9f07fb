import { describe, expect, it } from 'vitest';
import { EdgeRig } from './testing/edge-rig.ts';
import { bytesOf, Feed, wireOf } from './testing/feed.ts';

describe('every byte at every user', () => {
  it('of one channel, in whatever pieces the source sends it', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01', { payloadBytes: 1316 });
    const users = await rig.watchAll(['user-1', 'user-2', 'user-3', 'user-4', 'user-5'], 'zato01');
    const wire = wireOf(feed.make(600));
    for (let at = 0, length = 1; at < wire.length; at += length, length = (length * 7) % 9973) {
      rig.source.write(wire.subarray(at, at + length));
    }
    await rig
      .eventually(() => users.map((user) => user.receivedBytes))
      .toEqual(users.map(() => feed.bytes.length));
    for (const user of users) expect(user.bytes.equals(feed.bytes)).toBe(true);
    expect(await rig.metric('channel_delivered_packets_total', 'zato01')).toBe(5 * 600);
  });

  it('of two channels that come packet by packet in turn', async () => {
    const rig = await EdgeRig.start();
    const [one, two] = [new Feed('zato01'), new Feed('zato02')];
    const ofOne = await rig.watchAll(['user-1', 'user-2'], 'zato01');
    const ofTwo = await rig.watchAll(['user-3', 'user-4'], 'zato02');
    const both = one.make(300).flatMap((packet) => [packet, ...two.make(1)]);
    rig.source.send(both);
    for (const [feed, users] of [[one, ofOne] as const, [two, ofTwo] as const]) {
      for (const user of users) {
        await rig.eventually(() => user.receivedBytes).toBe(feed.bytes.length);
        expect(user.bytes.equals(feed.bytes)).toBe(true);
      }
    }
  });

  it('of payloads from empty to the largest, one of them more than a run', async () => {
    const rig = await EdgeRig.start({ MAX_PAYLOAD_BYTES: '300000' });
    const user = await rig.watch('user-1', 'zato01');
    let sequence = 0n;
    const sizes = [8, 300_000, 8, 65_536, 65_537, 1316, 131_072, 9];
    const packets = sizes.flatMap((payloadBytes) => {
      const made = new Feed('zato01', { first: sequence, payloadBytes }).make(3);
      sequence += 3n;
      return made;
    });
    await rig.deliver(packets, user);
    expect(user.bytes.equals(bytesOf(packets))).toBe(true);
  });

  it('of one user who watches twice', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    const twice = await rig.watchAll(['user-1', 'user-1'], 'zato01');
    await rig.deliver(feed.make(100), ...twice);
    for (const user of twice) expect(user.bytes.equals(feed.bytes)).toBe(true);
  });
});

describe('what the metrics tell of it', () => {
  it('is how long each write took from the arrival of its first packet, and how late the event loop was', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    const users = await rig.watchAll(['user-1', 'user-2'], 'zato01');
    for (let i = 0; i < 5; i += 1) await rig.deliver(feed.make(10), ...users);
    const writes = await rig.metric('delivery_delay_seconds_count');
    expect(writes).toBeGreaterThanOrEqual(10);
    expect(await rig.metric('delivery_delay_seconds_bucket', '+Inf')).toBe(writes);
    expect(await rig.metric('delivery_delay_seconds_sum')).toBeGreaterThan(0);
    await rig.eventually(() => rig.metric('event_loop_delay_seconds_count')).toBeGreaterThan(0);
  });
});

describe('users who come and go', () => {
  it('who join late get what follows, from a packet on, and nothing from before', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    const early = await rig.watch('user-1', 'zato01');
    await rig.deliver(feed.make(95), early);
    const late = await rig.watch('user-2', 'zato01');
    const rest = feed.make(95);
    await rig.deliver(rest, early, late);
    expect(early.bytes.equals(feed.bytes)).toBe(true);
    expect(late.bytes.equals(bytesOf(rest))).toBe(true);
  });

  it('who wait for a channel that is not there get it all once it appears', async () => {
    const rig = await EdgeRig.start();
    const [there, later] = [new Feed('zato01'), new Feed('later1')];
    const waiting = [await rig.watch('user-3', 'later1'), await rig.watch('user-4', 'never')];
    const watching = await rig.watch('user-1', 'zato01');
    await rig.deliver(there.make(200), watching);
    expect(waiting.map((user) => user.receivedBytes)).toEqual([0, 0]);
    expect(await rig.metric('users_waiting')).toBe(2);
    await rig.deliver(later.make(50), waiting[0]!);
    expect(waiting[0]!.bytes.equals(later.bytes)).toBe(true);
    expect(waiting[1]!.receivedBytes).toBe(0);
    expect(waiting.every((user) => user.isWatching)).toBe(true);
    expect(await rig.metric('users_waiting')).toBe(1);
  });

  it('who half-close go on watching', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    const half = await rig.watch('user-1', 'zato01');
    half.socket.end();
    for (let i = 0; i < 20; i += 1) await rig.deliver(feed.make(20), half);
    expect(half.bytes.equals(feed.bytes)).toBe(true);
    expect(half.isEnded).toBe(false);
  });

  it('who half-close with their line, in one piece, are watching', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const feed = new Feed('zato01');
    const user = rig.connect();
    user.socket.end('user-1 zato01\n');
    await rig.eventually(() => rig.metric('users')).toBe(1);
    await rig.deliver(feed.make(30), user);
    expect(user.bytes.equals(feed.bytes)).toBe(true);
  });

  it('who break off behind their FIN are gone at once, though nothing is sent to them', async () => {
    const rig = await EdgeRig.start();
    const half = await rig.watch('user-1', 'silent');
    half.socket.end();
    await rig.metric('users'); // the FIN has come
    half.socket.resetAndDestroy();
    await rig.eventually(() => rig.metric('users')).toBe(0);
    expect(await rig.metric('closes_total', 'client_closed')).toBe(1);
  });

  it('who vanish midway, with a reset or without reading, take nothing from the others', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01', { payloadBytes: 1316 });
    const staying = await rig.watchAll(['user-1', 'user-2'], 'zato01');
    const vanishing = await rig.watchAll(['user-3', 'user-4', 'user-5', 'user-6'], 'zato01');
    vanishing[2]!.socket.pause();
    await rig.deliver(feed.make(300), ...staying);
    vanishing[0]!.socket.resetAndDestroy();
    vanishing[1]!.socket.destroy();
    vanishing[2]!.socket.destroy();
    vanishing[3]!.socket.end();
    vanishing[3]!.socket.destroy();
    for (let i = 0; i < 10; i += 1) await rig.deliver(feed.make(50), ...staying);
    await rig.eventually(() => rig.metric('users')).toBe(2);
    for (const user of staying) expect(user.bytes.equals(feed.bytes)).toBe(true);
    expect(await rig.metric('channel_watchers', 'zato01')).toBe(2);
    const closes = [
      await rig.metric('closes_total', 'client_closed'),
      await rig.metric('closes_total', 'client_reset'),
    ];
    expect(closes[0]! + closes[1]!).toBe(4);
  });

  it('who hang up and come again, many at once, are all in, and those who stay miss nothing', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01', { payloadBytes: 1316 });
    const staying = await rig.watchAll(['user-1', 'user-2'], 'zato01');
    const ids = Array.from({ length: 200 }, (_, i) => `crowd-${i}`);
    const crowd = await rig.watchAll(ids, 'zato01');
    await rig.deliver(feed.make(50), ...staying, ...crowd);
    for (const user of crowd) user.socket.destroy();
    const again = ids.map((id) => rig.connect(`${id} zato01`));
    for (let i = 0; i < 10; i += 1) await rig.deliver(feed.make(20), ...staying);
    // Only then: those who have not gone yet are watchers, too.
    await rig.eventually(() => rig.metric('closes_total')).toBe(ids.length);
    await rig.eventually(() => rig.metric('channel_watchers', 'zato01')).toBe(202);
    const rest = feed.make(20);
    rig.source.send(rest);
    await rig
      .eventually(() => staying.every((user) => user.receivedBytes === feed.bytes.length))
      .toBe(true);
    for (const user of staying) expect(user.bytes.equals(feed.bytes)).toBe(true);
    const last = bytesOf(rest);
    const areAllAtTheEnd = () =>
      again.every((user) => user.bytes.subarray(-last.length).equals(last));
    await rig.eventually(areAllAtTheEnd).toBe(true);
    expect(await rig.metric('closes_total', 'refused')).toBe(0);
  });

  it('who are there when the edge node stops are sent away cleanly, with all they were owed', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    const user = await rig.watch('user-1', 'zato01');
    await rig.deliver(feed.make(50), user);
    user.socket.on('end', () => user.socket.end());
    await rig.stop();
    expect(user.isEnded).toBe(true);
    expect(user.errorCode).toBeUndefined();
    expect(user.bytes.equals(feed.bytes)).toBe(true);
  });
});
