import { describe, expect, it } from 'vitest';
import { Disorder, type DisorderOptions } from '../infra/demo/source/disorder.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { bytesOf, Feed, type FeedPacket } from './testing/feed.ts';

const PACKETS_PER_SECOND = 400;
const SECONDS = 4;
const STEP_MS = 10;

/** A channel on its way through a network that does what `options` say, as the source sends it. */
interface Way {
  readonly feed: Feed;
  readonly disorder: Disorder<FeedPacket>;
}

function ways(options: Omit<DisorderOptions, 'seed'>, ...channels: string[]): Way[] {
  return channels.map((channel, i) => ({
    feed: new Feed(channel, { payloadBytes: 1316 }),
    disorder: new Disorder<FeedPacket>({ ...options, seed: 1 + i }),
  }));
}

/** Plays all channels at PACKETS_PER_SECOND each, whatever timers are late. */
async function play(rig: EdgeRig, all: readonly Way[]): Promise<void> {
  const beganMs = performance.now();
  const total = PACKETS_PER_SECOND * SECONDS;
  for (let sent = 0; sent < total; ) {
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    const due = Math.floor(((performance.now() - beganMs) * PACKETS_PER_SECOND) / 1000);
    for (; sent < Math.min(due, total); sent += 1) {
      for (const { feed, disorder } of all) {
        for (const packet of feed.make(1)) rig.source.send(disorder.push(packet));
      }
    }
  }
  for (const { disorder } of all) rig.source.send(disorder.flush());
}

/** What a user must get of it: all that was not left out, in order. */
function sentOf({ feed, disorder }: Way): FeedPacket[] {
  const lost = new Set(disorder.lost);
  return feed.made.filter((packet) => !lost.has(packet));
}

async function expectExact(rig: EdgeRig, all: readonly Way[], settings: { users: number }) {
  const watched = [];
  for (const way of all) {
    const ids = Array.from({ length: settings.users }, (_, i) => `user-${i}`);
    for (const user of await rig.watchAll(ids, way.feed.channel)) watched.push({ way, user });
  }
  await play(rig, all);
  for (const { way, user } of watched) {
    const bytes = bytesOf(sentOf(way));
    await rig.eventually(() => user.receivedBytes).toBe(bytes.length);
    expect(user.bytes.equals(bytes)).toBe(true);
  }
}

// The deadlines are long, so that a machine that stands still for seconds changes nothing.
describe(`${PACKETS_PER_SECOND} packets/s a channel`, () => {
  it('shuffled over 200 packets, 5 % of them twice: every user byte-exact', async () => {
    const rig = await EdgeRig.start({ REORDER_DEADLINE_MS: '20000' });
    const options = { window: 200, lossPercent: 0, duplicationPercent: 5 };
    const all = ways(options, 'zato01', 'zato02');
    await expectExact(rig, all, { users: 3 });
    for (const { feed, disorder } of all) {
      expect(disorder.duplicates).toBeGreaterThan(0);
      expect(await rig.metric('channel_late_packets_total', feed.channel)).toBe(
        disorder.duplicates,
      );
      expect(await rig.metric('channel_lost_packets_total', feed.channel)).toBe(0);
    }
  });

  it('with 2 % loss: the rest in order, and as many lost as were left out in between', async () => {
    const rig = await EdgeRig.start({ REORDER_DEADLINE_MS: '5000', REORDER_MAX_PACKETS: '256' });
    const options = { window: 200, lossPercent: 2, duplicationPercent: 5 };
    const all = ways(options, 'zato01', 'zato02');
    await expectExact(rig, all, { users: 2 });
    for (const way of all) {
      const sent = sentOf(way);
      const [first, last] = [sent[0]!.sequence, sent.at(-1)!.sequence];
      const between = way.disorder.lost.filter(
        ({ sequence }) => first < sequence && sequence < last,
      );
      expect(between.length).toBeGreaterThan(0);
      const { channel } = way.feed;
      expect(await rig.metric('channel_lost_packets_total', channel)).toBe(between.length);
      expect(await rig.metric('channel_late_packets_total', channel)).toBe(way.disorder.duplicates);
      expect(await rig.metric('channel_received_packets_total', channel)).toBe(
        sent.length + way.disorder.duplicates,
      );
    }
  });

  it('with 2 % loss and the deadline as it comes: gaps are skipped, and the stream goes on', async () => {
    const rig = await EdgeRig.start();
    const options = { window: 20, lossPercent: 2, duplicationPercent: 0 };
    const all = ways(options, 'zato01');
    const [way] = all;
    const user = await rig.watch('user-1', 'zato01');
    await play(rig, all);
    const last = sentOf(way!).at(-1)!;
    await rig
      .eventually(() => user.receivedBytes > 0 && user.bytes.subarray(-1316).equals(last.payload))
      .toBe(true);
    const received = await rig.metric('channel_received_packets_total', 'zato01');
    const past = await rig.metric('channel_late_packets_total', 'zato01');
    expect(user.receivedBytes).toBe((received - past) * 1316);
    const { bytes } = user;
    const sequences = Array.from({ length: bytes.length / 1316 }, (_, i) =>
      Number(bytes.readBigUInt64BE(i * 1316)),
    );
    const lost = sequences.at(-1)! - sequences[0]! + 1 - sequences.length;
    expect(await rig.metric('channel_lost_packets_total', 'zato01')).toBe(lost);
    expect(sequences).toEqual([...new Set(sequences)].toSorted((a, b) => a - b));
  });
});
