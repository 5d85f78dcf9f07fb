import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NATS_PROGRAM } from '../../infra/local/test-nats.ts';
import { h264Key, h264Picture, TestStream } from '../mpeg-ts/testing/mpeg-ts-rig.ts';
import { RelayRig } from '../relay/testing/relay-rig.ts';
import type { EdgeRig } from '../testing/edge-rig.ts';
import { bytesOf, Feed, type FeedPacket } from '../testing/feed.ts';
import { edgeOf, subscribed } from './testing/fed-edge.ts';

/** Nothing is given up in a test, however slow the machine: what is missing must be there. */
const SETTINGS = { REORDER_DEADLINE_MS: '60000', CHANNEL_LOG_MS: '60000' };
/** So many packets, none further than that from where it belongs. */
const COUNT = 60;
const DISPLACED = 8;

/** Indexes in the order in which their packets are sent. */
const orders = fc
  .array(fc.integer({ min: 0, max: DISPLACED }), { minLength: COUNT, maxLength: COUNT })
  .map((late) =>
    late
      .map((by, index) => ({ index, at: index + by + index / COUNT }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ index }) => index),
  );
/** After how many of them the first user comes. */
const splits = fc.integer({ min: 1, max: COUNT - DISPLACED });

const tables = (to: TestStream) => Buffer.concat([to.pat(), to.pmt()]);

/** Three groups of pictures, each behind its tables. */
function pictures(): Buffer[] {
  const to = new TestStream();
  return Array.from({ length: COUNT }, (_, i) => {
    if (i % 20 === 0) return tables(to);
    return to.video(i % 20 === 4 ? h264Key : h264Picture);
  });
}

interface Metered {
  metric(name: string): Promise<number>;
}

/** Relays and an edge node on which case after case is played, each on a channel of its own. */
class Newcomers {
  readonly #rig: RelayRig;
  readonly #edge: EdgeRig;
  readonly #relays: readonly Metered[];
  #cases = 0;
  #sent = 0;

  constructor(rig: RelayRig, edge: EdgeRig, relays: readonly Metered[]) {
    this.#rig = rig;
    this.#edge = edge;
    this.#relays = relays;
  }

  static async start(startAt: 'live' | 'entry', relays: number): Promise<Newcomers> {
    const rig = await RelayRig.start();
    const running = [];
    for (let i = 0; i < relays; i += 1) {
      running.push(await rig.relay({ ...SETTINGS, REORDER_SETTLE_MS: '1' }));
    }
    const edge = await edgeOf(rig, { ...SETTINGS, START_AT: startAt });
    return new Newcomers(rig, edge, running);
  }

  /** What the first user of a channel is sent who comes after `split` packets. */
  async watch(make: (feed: Feed) => FeedPacket[], order: readonly number[], split: number) {
    this.#cases += 1;
    const channel = `c${this.#cases}`;
    const feed = new Feed(channel, { first: 100_000n });
    // The relays begin in order: what came before them is not theirs.
    const first = feed.make(DISPLACED);
    const packets = make(feed);
    const sent = order.flatMap((index) => packets[index] ?? []);
    for (const packet of first) await this.#send([packet]);
    await this.#send(sent.slice(0, split));
    const user = await this.#edge.watch(`user-${this.#cases}`, channel);
    await subscribed(this.#rig, this.#edge, this.#cases);
    await this.#send([...sent.slice(split), ...feed.make(1)]);
    const last = feed.made.at(-1)?.payload ?? Buffer.alloc(0);
    await this.#edge.eventually(() => user.endsWith(last)).toBe(true);
    return { bytes: user.bytes, all: bytesOf(feed.made) };
  }

  async #send(packets: readonly FeedPacket[]): Promise<void> {
    this.#rig.source.send(packets);
    this.#sent += packets.length;
    for (const relay of this.#relays) {
      await this.#rig
        .eventually(() => relay.metric('relay_published_packets_total'))
        .toBeGreaterThanOrEqual(this.#sent);
    }
  }
}

describe.skipIf(NATS_PROGRAM === undefined)('the first user of a channel on NATS', () => {
  it.each([1, 2])(
    'is sent a stream without a gap, whatever was shuffled before (%s relays)',
    async (relays) => {
      const newcomers = await Newcomers.start('live', relays);
      const property = fc.asyncProperty(orders, splits, async (order, split) => {
        const make = (feed: Feed) => feed.make(COUNT);
        const { bytes, all } = await newcomers.watch(make, order, split);
        expect(bytes.equals(all.subarray(-bytes.length))).toBe(true);
      });
      await fc.assert(property, { numRuns: 12, endOnFailure: true });
    },
    120_000,
  );

  it('who begins at an entry point, too', async () => {
    const newcomers = await Newcomers.start('entry', 1);
    const head = tables(new TestStream());
    const property = fc.asyncProperty(orders, splits, async (order, split) => {
      const make = (feed: Feed) => feed.carry(pictures());
      const { bytes, all } = await newcomers.watch(make, order, split);
      const isWhole = [0, head.length].some((sentFirst) => {
        const stream = bytes.subarray(sentFirst);
        return stream.equals(all.subarray(-stream.length));
      });
      expect(isWhole).toBe(true);
    });
    await fc.assert(property, { numRuns: 12, endOnFailure: true });
  }, 120_000);

  it('waits for nothing that is lost, as the relay knows', async () => {
    const rig = await RelayRig.start();
    const relay = await rig.relay();
    const edge = await edgeOf(rig, { ...SETTINGS, START_AT: 'entry' });
    const feed = new Feed('zato01', { first: 100_000n });
    const made = pictures();
    const older = feed.carry(made.slice(0, 10));
    feed.leaveOut(1);
    const newer = feed.carry(made.slice(20, 40));
    rig.source.send([...older, ...newer]);
    const sent = older.length + newer.length;
    await rig.eventually(() => relay.metric('relay_published_packets_total')).toBe(sent);
    // By then the relay has given up what does not come.
    await sleep(1_200);
    const user = await edge.watch('user-1', 'zato01');
    const expected = Buffer.concat([tables(new TestStream()), ...made.slice(24, 40)]);
    await edge.eventually(() => user.receivedBytes).toBe(expected.length);
    const fromKey = Buffer.concat(made.slice(24, 40));
    expect(user.bytes.subarray(-fromKey.length).equals(fromKey)).toBe(true);
  });
});
