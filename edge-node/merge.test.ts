import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EdgeRig } from './testing/edge-rig.ts';
import { bytesOf, Feed, type FeedPacket } from './testing/feed.ts';
import { randomOf } from './testing/random.ts';
import { ScriptedSource } from './testing/scripted-source.ts';

const IS_LONG = process.env.E2E_LONG === '1';

/** An edge node that is connected to so many sources. */
async function startMerged(count = 2, settings: Parameters<typeof EdgeRig.start>[0] = {}) {
  const sources = Array.from({ length: count }, () => new ScriptedSource());
  for (const source of sources) {
    await source.listen();
    onTestFinished(() => source.close());
  }
  const list = sources.map(({ port }) => `127.0.0.1:${port}`).join();
  const rig = await EdgeRig.start({ CHANNEL_SOURCE_HOST: list, ...settings }, 'away');
  const [first, second] = sources;
  if (first === undefined || second === undefined) throw new Error('two sources at the least');
  return { rig, sources, first, second, list: list.split(',') };
}

const up = (rig: EdgeRig, count: number) =>
  rig.eventually(() => rig.metric('source_up')).toBe(count);

describe('two merged sources', () => {
  it('lose 1 % each, and one is killed again and again: users miss what both lost, byte for byte', async () => {
    const seed = Number(process.env.MERGE_SEED ?? Math.floor(Math.random() * 2 ** 32));
    const [packetMs, lifeMs, totalMs] = IS_LONG ? [5, 5_000, 60_000] : [2, 400, 4_000];
    const { rig, sources, first } = await startMerged();
    await up(rig, 2);
    const random = randomOf(seed);
    const feed = new Feed('zato01', { first: 1_000_000n });
    const users = await rig.watchAll(['user-1', 'user-2', 'user-3'], 'zato01');
    const sent: FeedPacket[] = [];
    /** The first and the last, between which the edge node counts what is missing. */
    const sendWhole = () => {
      const packets = feed.make(1);
      for (const source of sources) source.send(packets);
      sent.push(...packets);
    };
    sendWhole();
    let kills = 0;
    let isBeingKilled = Promise.resolve();
    const startMs = performance.now();
    let killedMs = startMs;
    while (performance.now() - startMs < totalMs) {
      await sleep(packetMs);
      if (performance.now() - killedMs >= lifeMs) {
        killedMs = performance.now();
        kills += 1;
        isBeingKilled = isBeingKilled.then(() => first.close()).then(() => first.listen());
      }
      for (const packet of feed.make(2)) {
        const by = sources.filter((source) => source.isConnected && random() >= 0.01);
        for (const source of by) source.send([packet]);
        if (by.length > 0) sent.push(packet);
      }
    }
    await isBeingKilled;
    sendWhole();
    const expected = bytesOf(sent);
    await rig
      .eventually(() => users.map(({ receivedBytes }) => receivedBytes))
      .toEqual(users.map(() => expected.length));
    for (const user of users) expect(user.bytes.equals(expected), `seed ${seed}`).toBe(true);
    expect(kills, `seed ${seed}`).toBeGreaterThanOrEqual(IS_LONG ? 11 : 5);
    expect(await rig.metric('channel_lost_packets_total', 'zato01')).toBe(
      feed.made.length - sent.length,
    );
    expect(await rig.metric('channel_late_packets_total', 'zato01')).toBe(0);
    expect(await rig.metric('channel_restarts_total', 'zato01')).toBe(0);
    expect(await rig.metric('channel_jumps_total', 'zato01')).toBe(0);
  }, 120_000);

  it('are each told of: connected, how long silent, what it alone brought, what came twice', async () => {
    const { rig, first, second, list } = await startMerged();
    await up(rig, 2);
    const feed = new Feed('zato01');
    const user = await rig.watch('user-1', 'zato01');
    const both = feed.make(10);
    first.send(both);
    await rig.eventually(() => user.receivedBytes).toBe(bytesOf(both).length);
    second.send(both);
    await rig.eventually(() => rig.metric('source_duplicate_packets_total', list[1])).toBe(10);
    await second.close();
    await up(rig, 1);
    expect(await rig.metric('source_up', list[1])).toBe(0);
    expect(await rig.metric('source_connected')).toBe(1);
    first.send(feed.make(300));
    await rig.eventually(() => rig.metric('source_only_packets_total', list[0])).toBe(44);
    const { sources } = (await (await fetch(`${rig.origin}/status`)).json()) as {
      sources: object[];
    };
    expect(sources).toMatchObject([
      { source: list[0], state: 'connected', only: 44, duplicates: 0, disagreeing: 0 },
      { source: list[1], state: expect.stringMatching(/waiting|connecting/), duplicates: 10 },
    ]);
    await rig.eventually(() => user.bytes.equals(feed.bytes)).toBe(true);
  });

  it('disagree: the first goes on alone, and the log tells of the other', async () => {
    const { rig, first, second, list } = await startMerged();
    await up(rig, 2);
    const feed = new Feed('zato01');
    const other = new Feed('zato01', { first: 10n ** 12n, life: 1 });
    const user = await rig.watch('user-1', 'zato01');
    first.send(feed.make(20));
    await rig.eventually(() => user.receivedBytes).toBe(feed.bytes.length);
    for (let round = 0; round < 40; round += 1) {
      second.send(other.make(10));
      first.send(feed.make(10));
      await sleep(20);
    }
    await rig.eventually(() => rig.metric('source_disagreeing_packets_total', list[1])).toBe(400);
    await rig.eventually(() => user.receivedBytes).toBe(feed.bytes.length);
    const told = () => rig.lines.filter((line) => line.includes('source left out of the merge'));
    await rig.eventually(() => told().length).toBe(1);
    expect(JSON.parse(told()[0] ?? '')).toMatchObject({ source: list[1], channels: 1 });
    await first.close();
    await up(rig, 1);
    const taken = other.make(50);
    second.send(taken);
    await rig
      .eventually(() => user.bytes.equals(Buffer.concat([feed.bytes, bytesOf(taken)])))
      .toBe(true);
  });
});

describe('sources for failover', () => {
  it('are read one at a time: the next takes over when the one in use is lost, and users stay', async () => {
    const { rig, first, second, list } = await startMerged(2, { CHANNEL_SOURCE_MODE: 'failover' });
    await rig.eventually(() => first.connections).toBe(1);
    await up(rig, 1);
    const feed = new Feed('zato01');
    const other = new Feed('zato01', { first: 10n ** 12n, life: 1 });
    const user = await rig.watch('user-1', 'zato01');
    first.send(feed.make(50));
    await rig.eventually(() => user.receivedBytes).toBe(feed.bytes.length);
    expect(second.connections).toBe(0);
    await first.close();
    await rig.eventually(() => second.isConnected).toBe(true);
    second.send(other.make(50));
    const all = Buffer.concat([feed.bytes, other.bytes]);
    await rig.eventually(() => user.bytes.equals(all)).toBe(true);
    expect(await rig.metric('source_up', list[1])).toBe(1);
    expect(await rig.metric('source_up', list[0])).toBeNaN();
  });
});
