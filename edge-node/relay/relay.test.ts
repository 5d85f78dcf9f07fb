import { describe, expect, it, onTestFinished } from 'vitest';
import { NATS_PROGRAM, startNats } from '../../infra/local/test-nats.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { ChannelId } from '../../shared/ids.ts';
import { h264Key, h264Picture, TestStream } from '../mpeg-ts/testing/mpeg-ts-rig.ts';
import { decodeDirectory } from '../nats/directory-message.ts';
import { Subjects } from '../nats/subjects.ts';
import { channelIdOfKey } from '../source/packet.ts';
import { PacketDecoder } from '../source/packet-decoder.ts';
import { Feed, type FeedPacket, wireOf } from '../testing/feed.ts';
import { RelayRig } from './testing/relay-rig.ts';

const SUBJECTS = new Subjects('streaming');
const id = (name: string) => name as ChannelId;

/** What a subject brings, as it came. */
async function listen(rig: RelayRig, subject: string) {
  const link = await rig.link();
  const messages: Buffer[] = [];
  link.listen(subject, ({ data }) => messages.push(Buffer.from(data)));
  await link.confirmed();
  return { link, messages };
}

/** Sequences of the packets in messages, each of which must hold whole packets. */
function sequencesOf(messages: readonly Buffer[]): Map<string, bigint[]> {
  const sequences = new Map<string, bigint[]>();
  for (const message of messages) {
    let bytes = 0;
    new PacketDecoder(2 ** 20, {
      packet: (key, { high, low, start, end }) => {
        const channel = channelIdOfKey(key) ?? '?';
        const list = sequences.get(channel) ?? [];
        sequences.set(channel, list);
        list.push((BigInt(high) << 32n) | BigInt(low));
        bytes += 23 + end - start;
        return true;
      },
    }).push(message, 0);
    expect(bytes).toBe(message.length);
  }
  return sequences;
}

const sequences = (packets: readonly FeedPacket[]) => packets.map(({ sequence }) => sequence);

describe.skipIf(NATS_PROGRAM === undefined)('a relay', () => {
  it('publishes the packets of each channel as they came, header and all', async () => {
    const rig = await RelayRig.start();
    const one = await listen(rig, SUBJECTS.channel(id('zato01')));
    const all = await listen(rig, 'streaming.channels.*');
    const relay = await rig.relay();
    const first = new Feed('zato01', { first: 2n ** 60n }).make(300);
    const shuffled = first.toReversed();
    const other = new Feed('b').make(7);
    rig.source.send([...shuffled, ...other]);

    await rig.eventually(() => Buffer.concat(one.messages).length).toBe(wireOf(first).length);
    expect(Buffer.concat(one.messages)).toEqual(wireOf(shuffled));
    await rig.eventually(() => sequencesOf(all.messages).get('b')).toEqual(sequences(other));
    expect(one.messages.length).toBeLessThan(100);
    expect(await relay.metric('relay_published_packets_total')).toBe(307);
  });

  it('puts packets of 64 KiB and more in messages of their own, whole', async () => {
    const rig = await RelayRig.start();
    const { messages } = await listen(rig, SUBJECTS.channel(id('zato01')));
    await rig.relay();
    const large = new Feed('zato01', { payloadBytes: 200_000 }).make(5);
    rig.source.send(large);
    await rig.eventually(() => messages.length).toBe(5);
    expect(Buffer.concat(messages)).toEqual(wireOf(large));
  });

  it('tells its channels and their rates each second', async () => {
    const rig = await RelayRig.start();
    const { messages } = await listen(rig, SUBJECTS.directory);
    await rig.relay();
    const feed = new Feed('zato01');
    const timer = setInterval(() => rig.source.send(feed.make(5)), 20);
    onTestFinished(() => clearInterval(timer));
    const newest = () => decodeDirectory(messages.at(-1) ?? Buffer.alloc(0))?.channels;
    await rig
      .eventually(() => newest()?.get(id('zato01'))?.packetsPerSecond ?? 0)
      .toBeGreaterThan(0);
    expect([...(newest()?.keys() ?? [])]).toEqual(['zato01']);
  });

  it('answers with what came since the newest entry, cut into messages, and an empty one behind', async () => {
    const rig = await RelayRig.start();
    const relay = await rig.relay();
    const to = new TestStream();
    const pictures = (first: Buffer) =>
      Buffer.concat([to.video(first), ...Array.from({ length: 70 }, () => to.video(h264Picture))]);
    const packets = new Feed('zato01').carry([
      Buffer.concat([to.pat(), to.pmt()]),
      ...Array.from({ length: 19 }, (_, i) => pictures(i === 4 ? h264Key : h264Picture)),
    ]);
    rig.source.send(packets);
    await rig.eventually(() => relay.metric('relay_published_packets_total')).toBe(20);
    const link = await rig.link();
    const answers: Buffer[] = [];
    link.listen('inbox.1', ({ data }) => answers.push(Buffer.from(data)));
    link.publish(SUBJECTS.backlog(id('zato01')), Buffer.alloc(0), 'inbox.1');
    await rig.eventually(() => answers.at(-1)?.length).toBe(0);
    const told = sequencesOf(answers.slice(0, -1)).get('zato01') ?? [];
    expect(told.length).toBeGreaterThan(14);
    expect(told).toEqual(sequences(packets).slice(-told.length));
    expect(answers.length).toBeGreaterThan(5);
  });

  it('answers at once for a channel that it does not have', async () => {
    const rig = await RelayRig.start();
    await rig.relay();
    const link = await rig.link();
    const answers: number[] = [];
    link.listen('inbox.1', ({ data }) => answers.push(data.length));
    link.publish(SUBJECTS.backlog(id('nobody')), Buffer.alloc(0), 'inbox.1');
    await rig.eventually(() => answers).toEqual([0]);
  });

  it('publishes what it has taken before it stops', async () => {
    const rig = await RelayRig.start();
    const { messages } = await listen(rig, SUBJECTS.channel(id('zato01')));
    const relay = await rig.relay();
    const packets = new Feed('zato01').make(10);
    rig.source.send(packets);
    await rig.eventually(() => relay.metric('source_bytes_total')).toBe(wireOf(packets).length);
    await relay.stop();
    await rig.eventually(() => Buffer.concat(messages)).toEqual(wireOf(packets));
  });

  it('does not start where max_payload holds no packet of MAX_PAYLOAD_BYTES, and says so in one line', async () => {
    const rig = await RelayRig.start();
    const small = await startNats(1, { maxPayload: '1MB' });
    const start = rig.relay({ NATS_URL: small.urls });
    await expect(start).rejects.toThrow(ConfigError);
    await expect(start).rejects.toThrow(/max_payload.*MAX_PAYLOAD_BYTES \(1048576\) needs 1048599/);
  });

  it('goes on with another server when its own dies, and sends again what that had not confirmed', async () => {
    const rig = await RelayRig.start(3);
    const relay = await rig.relay();
    const feed = new Feed('zato01');
    // On a server that is to live: only relay and dead server are to lose each other.
    type Status = { readonly nats: { readonly server: string } };
    const of = async () => Number(/^n(\d)/.exec((await relay.status<Status>()).nats.server)?.[1]);
    const own = await of();
    const living = rig.nats.servers.filter((_, i) => i !== own);
    const link = await rig.link({ NATS_URL: living.map(({ url }) => url).join() });
    const messages: Buffer[] = [];
    link.listen(SUBJECTS.channel(id('zato01')), ({ data }) => messages.push(Buffer.from(data)));
    // The servers tell each other by and by who listens: from the first packet that is heard on, all are.
    await rig
      .eventually(() => {
        rig.source.send(feed.make(1));
        return messages.length;
      })
      .toBeGreaterThan(0);
    const packets = feed.make(10);
    rig.source.send(packets);
    await rig.nats.servers[own]?.end();
    packets.push(...feed.make(10));
    rig.source.send(packets.slice(10));
    const told = () => new Set(sequencesOf(messages).get('zato01'));
    await rig
      .eventually(() => sequences(packets).filter((sequence) => !told().has(sequence)))
      .toEqual([]);
    expect(await relay.metric('relay_nats_connections_total')).toBe(2);
  });

  it('keeps a bounded queue while NATS is away, drops the oldest, counts it and says so', async () => {
    const rig = await RelayRig.start();
    await rig.nats.servers[0]?.end();
    const relay = await rig.relay(
      { RELAY_QUEUE_BYTES: '16 MiB', REORDER_DEADLINE_MS: '60000' },
      'away',
    );
    const feed = new Feed('zato01', { payloadBytes: 100_000 });
    for (let i = 0; i < 10; i += 1) {
      rig.source.send(feed.make(30));
      await rig.eventually(() => relay.metric('source_bytes_total')).toBe((i + 1) * 30 * 100_023);
    }
    expect(await relay.metric('relay_queue_bytes')).toBeLessThanOrEqual(16 * 2 ** 20);
    const dropped = await relay.metric('relay_dropped_packets_total');
    expect(dropped).toBeGreaterThan(0);
    expect(rig.lines.some((line) => line.includes('messages dropped'))).toBe(true);

    const queued = 300 - dropped;
    await rig.nats.servers[0]?.start();
    await rig.eventually(() => relay.metric('relay_published_packets_total')).toBe(queued);
    await rig.eventually(() => relay.metric('relay_queue_bytes')).toBe(0);
  });
});
