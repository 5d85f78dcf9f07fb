import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NATS_PROGRAM, startNats } from '../../infra/local/test-nats.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { ChannelId, UserId } from '../../shared/ids.ts';
import { h264Key, h264Picture, nothing, TestStream } from '../mpeg-ts/testing/mpeg-ts-rig.ts';
import { RelayRig } from '../relay/testing/relay-rig.ts';
import { EdgeRig } from '../testing/edge-rig.ts';
import { bytesOf, Feed, wireOf } from '../testing/feed.ts';
import { Subjects } from './subjects.ts';
import { edgeOf, subscribed } from './testing/fed-edge.ts';

const PACKET_MS = 20;
const SUBJECTS = new Subjects('streaming');

/** A channel as it is in the relay and in the directory. */
async function known(edge: EdgeRig, channels: number): Promise<void> {
  await edge.eventually(() => edge.metric('feed_known_channels')).toBe(channels);
}

/** Hands bytes on between an edge node and a NATS server, and counts those that come to the edge node. */
class CountingProxy {
  url = '';
  bytes = 0;

  static async start(server: string): Promise<CountingProxy> {
    const proxy = new CountingProxy();
    const { hostname, port } = new URL(server);
    const listener = createServer((near) => {
      const far = connect({ host: hostname, port: Number(port) });
      near.pipe(far);
      far.on('data', (chunk: Buffer) => {
        proxy.bytes += chunk.length;
        near.write(chunk);
      });
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
      }
    });
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void listener.close());
    proxy.url = `nats://127.0.0.1:${(listener.address() as AddressInfo).port}`;
    return proxy;
  }
}

describe.skipIf(NATS_PROGRAM === undefined)('channels by NATS', () => {
  it('come to users whole, in order and billed, shuffled and from two relays as they are', async () => {
    const rig = await RelayRig.start();
    await rig.relay();
    await rig.relay();
    const edge = await edgeOf(rig);
    const feed = new Feed('zato01');
    const [user] = [await edge.watch('user-1', 'zato01')];
    await subscribed(rig, edge, 1);
    for (let i = 0; i < 20; i += 1) {
      rig.source.send(feed.make(16).toReversed());
      await edge.eventually(() => user.receivedBytes).toBe(feed.bytes.length);
    }
    expect(user.bytes.equals(feed.bytes)).toBe(true);
    expect(await edge.metric('channel_lost_packets_total')).toBe(0);
    expect(await edge.metric('channel_late_packets_total')).toBe(0);
    await edge
      .eventually(() => edge.metric('source_duplicate_packets_total'))
      .toBe(feed.made.length);
    expect(await edge.metric('channel_restarts_total')).toBe(0);
    expect(await edge.metric('channel_jumps_total')).toBe(0);
    await edge.stop();
    expect(edge.store.totalMs('user-1' as UserId)).toBe(feed.made.length * PACKET_MS);
  });

  it('are taken in while they are watched and CHANNEL_KEEP_MS longer: 3 of 1,000, measured at the socket', async () => {
    const rig = await RelayRig.start();
    await rig.relay();
    const wire = await CountingProxy.start(rig.nats.servers[0]?.url ?? '');
    const edge = await edgeOf(rig, { NATS_URL: wire.url, CHANNEL_KEEP_MS: '100' });
    const feeds = Array.from({ length: 1_000 }, (_, i) => new Feed(`c${i}`));
    const send = () => rig.source.send(feeds.flatMap((feed) => feed.make(20)));
    send();
    await known(edge, 1_000);
    const users = [
      await edge.watch('user-0', 'c0'),
      await edge.watch('user-1', 'c1'),
      await edge.watch('user-2', 'c2'),
    ];
    await subscribed(rig, edge, 3);
    const directory: number[] = [];
    const link = await rig.link();
    link.listen(SUBJECTS.directory, ({ data }) => directory.push(data.length));
    await rig.eventually(() => directory.length).toBeGreaterThan(0);
    const [before, told] = [wire.bytes, directory.length - 1];
    // One after the other: a relay drops what waits for too long, and this machine may be slow.
    const watched = feeds.slice(0, 3);
    for (let i = 0; i < 5; i += 1) {
      send();
      const parts = watched.map(({ made }) => bytesOf(made.slice(20)).length);
      await edge.eventually(() => users.map(({ receivedBytes }) => receivedBytes)).toEqual(parts);
    }
    const sent = watched.map(({ made }) => made.slice(20));
    const ofChannels = wireOf(sent.flat()).length;
    const taken = wire.bytes - before;
    expect(taken).toBeGreaterThanOrEqual(ofChannels);
    // With subjects and lengths of messages, and the directory of all channels, which comes each second.
    const ofDirectory = directory.slice(told).reduce((sum, bytes) => sum + bytes + 100, 0);
    expect(taken - ofDirectory).toBeLessThan(1.2 * ofChannels);

    for (const { socket } of users) socket.resetAndDestroy();
    await subscribed(rig, edge, 0);
    await edge.eventually(() => edge.metric('channels')).toBe(0);
  });

  it('are listed before anybody watches them, and gone once no relay tells them', async () => {
    const rig = await RelayRig.start();
    const relay = await rig.relay();
    const edge = await edgeOf(rig);
    rig.source.send(new Feed('zato01').make(1));
    await known(edge, 1);
    const list = async () => (await fetch(`${edge.watchOrigin}/channels?user=a`)).json();
    expect(await list()).toEqual({
      channels: [{ id: 'zato01', name: 'zato01', group: '', live: true }],
    });
    const playlist = await (await fetch(`${edge.watchOrigin}/playlist.m3u?user=a`)).text();
    expect(playlist).toContain('/watch/zato01.ts');
    expect(await edge.metric('feed_relays')).toBe(1);
    await relay.stop();
    await known(edge, 0);
    expect(await list()).toEqual({ channels: [] });
  });

  it('begin at the newest entry point for the first user of a channel, who is billed for what came later', async () => {
    const rig = await RelayRig.start();
    const relay = await rig.relay({ REORDER_SETTLE_MS: '1' });
    const edge = await edgeOf(rig, { START_AT: 'entry' });
    const to = new TestStream();
    const feed = new Feed('zato01', { first: 5_000n });
    const tables = Buffer.concat([to.pat(), to.pmt()]);
    const before = Buffer.concat([
      tables,
      ...Array.from({ length: 8 }, () => to.video(h264Picture)),
    ]);
    const fromKey = Buffer.concat([to.video(h264Key), to.video(h264Picture), nothing]);
    const older = feed.carry([nothing, before, fromKey]);
    rig.source.send(older.toReversed());
    await known(edge, 1);
    await rig.eventually(() => relay.metric('relay_published_packets_total')).toBe(3);

    const user = await edge.watch('user-1', 'zato01');
    await edge.eventually(() => user.receivedBytes).toBe(tables.length + fromKey.length);
    expect(user.bytes.equals(Buffer.concat([tables, fromKey]))).toBe(true);
    const newer = feed.carry([to.video(h264Picture), nothing]);
    rig.source.send(newer);
    const all = Buffer.concat([tables, fromKey, bytesOf(newer)]);
    await edge.eventually(() => user.bytes.equals(all)).toBe(true);
    expect(await edge.metric('feed_backlogs_total', 'whole')).toBe(1);
    await edge.stop();
    expect(edge.store.totalMs('user-1' as UserId)).toBe(newer.length * PACKET_MS);
  });

  it('begin live where a channel is on no relay, at once', async () => {
    const rig = await RelayRig.start();
    await rig.relay();
    const edge = await edgeOf(rig, { START_AT: 'entry' });
    const user = await edge.watch('user-1', 'zato01');
    await edge.eventually(() => edge.metric('feed_backlogs_total', 'whole')).toBe(1);
    const feed = new Feed('zato01');
    rig.source.send(feed.make(30));
    await edge.eventually(() => user.bytes.equals(feed.bytes)).toBe(true);
  });

  it('go on for the users who stayed when NATS is back, and the gap is counted', async () => {
    const rig = await RelayRig.start();
    await rig.relay();
    const edge = await edgeOf(rig);
    const feed = new Feed('zato01');
    const user = await edge.watch('user-1', 'zato01');
    await subscribed(rig, edge, 1);
    rig.source.send(feed.make(20));
    await edge.eventually(() => user.receivedBytes).toBe(feed.bytes.length);
    const [server] = rig.nats.servers;
    await server?.end();
    await edge.eventually(() => edge.metric('source_connected')).toBe(0);
    expect(await edge.metric('feed_gaps_total')).toBe(1);
    await server?.start();
    await edge.eventually(() => edge.metric('source_connected')).toBe(1);
    // Nobody waits for relays to be connected: packets until then are what this outage costs.
    const timer = setInterval(() => rig.source.send(feed.make(1)), 10);
    onTestFinished(() => clearInterval(timer));
    const last = () => feed.made.at(-1)?.payload ?? nothing;
    await edge.eventually(() => user.receivedBytes).toBeGreaterThan(30 * last().length);
    clearInterval(timer);
    await edge.eventually(() => user.endsWith(last())).toBe(true);
    expect(user.isWatching).toBe(true);
    expect(await edge.metric('closes_total')).toBe(0);
  });

  it('suffer nothing from messages that hold something else', async () => {
    const rig = await RelayRig.start();
    const edge = await edgeOf(rig);
    const user = await edge.watch('user-1', 'zato01');
    await subscribed(rig, edge, 1);
    const link = await rig.link();
    const subject = SUBJECTS.channel('zato01' as ChannelId);
    const feed = new Feed('zato01');
    const publish = (data: Buffer) => link.publish(subject, data);
    publish(wireOf(feed.make(3)));
    publish(wireOf(new Feed('zato01').make(1)).subarray(0, 30));
    publish(Buffer.alloc(100, 0xff));
    publish(Buffer.from('{}'));
    link.publish(SUBJECTS.directory, Buffer.from('{}'));
    publish(wireOf(feed.make(3)));
    await edge.eventually(() => user.bytes.equals(feed.bytes)).toBe(true);
    expect(await edge.metric('feed_bad_messages_total')).toBe(4);
  });

  it('are not begun where max_payload is too small for MAX_PAYLOAD_BYTES', async () => {
    const nats = await startNats(1, { maxPayload: '1MB' });
    const start = EdgeRig.start({ CHANNEL_FEED: 'nats', NATS_URL: nats.urls }, 'away');
    await expect(start).rejects.toThrow(ConfigError);
  });
});
