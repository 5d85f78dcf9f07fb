import { describe, expect, it, onTestFinished } from 'vitest';
import { NATS_PROGRAM } from '../../infra/local/test-nats.ts';
import type { ChannelId } from '../../shared/ids.ts';
import { Subjects } from '../nats/subjects.ts';
import { Feed, type FeedPacket, wireOf } from '../testing/feed.ts';
import { ScriptedSource } from '../testing/scripted-source.ts';
import { RelayRig } from './testing/relay-rig.ts';

const CHANNEL = 'zato01' as ChannelId;
const FIRST = 100_000n;

/** A relay that reads two sources, and what it publishes. */
async function relayOfTwo() {
  const rig = await RelayRig.start();
  const other = new ScriptedSource();
  await other.listen();
  onTestFinished(() => other.close());
  const link = await rig.link();
  const messages: Buffer[] = [];
  const subject = new Subjects('streaming').channel(CHANNEL);
  link.listen(subject, ({ data }) => messages.push(Buffer.from(data)));
  await link.confirmed();
  const sources = [rig.source, other].map(({ port }) => `127.0.0.1:${port}`);
  const relay = await rig.relay({ CHANNEL_SOURCE_HOST: sources.join() });
  const up = async () => {
    const status = await relay.status<{ sources: { state: string }[] }>();
    return status.sources.filter(({ state }) => state === 'connected').length;
  };
  await rig.eventually(up).toBe(2);
  const published = () => Buffer.concat(messages);
  return { rig, relay, other, published };
}

const sorted = (packets: readonly FeedPacket[]) =>
  packets.map(({ wire }) => wire.toString('hex')).sort();

describe.skipIf(NATS_PROGRAM === undefined)('a relay of two sources', () => {
  it('publishes each packet once, and all that one of them brings', async () => {
    const { rig, relay, other, published } = await relayOfTwo();
    const feed = new Feed(CHANNEL, { first: FIRST });
    const size = feed.make(1)[0]?.wire.length ?? 0;
    rig.source.send(feed.made);
    await rig.eventually(() => published().length).toBe(size);
    for (let i = 0; i < 10; i += 1) {
      const packets = feed.make(40);
      rig.source.send(packets.filter((_, at) => at % 7 !== 3));
      other.send(packets.filter((_, at) => at % 11 !== 4).toReversed());
      await rig.eventually(() => published().length).toBe(feed.made.length * size);
    }
    const taken = Array.from({ length: feed.made.length }, (_, i) =>
      published()
        .subarray(i * size, (i + 1) * size)
        .toString('hex'),
    );
    expect(taken.sort()).toEqual(sorted(feed.made));
    expect(await relay.metric('source_duplicate_packets_total')).toBeGreaterThan(0);
    expect(await relay.metric('relay_published_packets_total')).toBe(feed.made.length);
  });

  it('publishes one of two that disagree, and goes on with the other once that is lost', async () => {
    const { rig, other, published } = await relayOfTwo();
    const [one, far] = [FIRST, 5n * FIRST].map((first) => new Feed(CHANNEL, { first }));
    if (one === undefined || far === undefined) throw new RangeError('two feeds');
    rig.source.send(one.make(20));
    await rig.eventually(() => published()).toEqual(wireOf(one.made));
    other.send(far.make(20));
    // Of one connection, packets are read in their order: what comes behind them tells that they were left out.
    const more = new Feed('b').make(1);
    other.send(more);
    rig.source.send(one.make(20));
    await rig.eventually(() => published()).toEqual(wireOf(one.made));
    await rig.source.close();
    const gone = wireOf(one.made).length;
    await rig
      .eventually(() => {
        other.send(far.make(1));
        return published().length;
      })
      .toBeGreaterThan(gone);
  });
});
