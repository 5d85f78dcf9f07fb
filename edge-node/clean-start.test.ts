import { describe, expect, it } from 'vitest';
import type { UserId } from '../shared/ids.ts';
import {
  h264Key,
  h264Picture,
  nothing,
  packet,
  SOUND_PID,
  TestStream,
} from './mpeg-ts/testing/mpeg-ts-rig.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { Feed } from './testing/feed.ts';

const PACKET_MS = 20;
/** More than the kernel keeps for both ends of a connection, and the log. */
const STEPS = 100;
const filler = Buffer.concat(Array.from({ length: 1000 }, () => packet({ pid: SOUND_PID + 1 })));

/** Cuts a stream into payloads that respect nothing in it. */
function payloadsOf(stream: Buffer, size = 1000): Buffer[] {
  return Array.from({ length: Math.ceil(stream.length / size) }, (_, i) =>
    stream.subarray(i * size, (i + 1) * size),
  );
}

/** Where each packet begins in the stream. */
function startsOf(feed: Feed): number[] {
  let at = 0;
  return feed.made.map(({ payload }) => {
    at += payload.length;
    return at - payload.length;
  });
}

/** A second of a channel: some pictures, the key picture in the middle of a payload, some more. */
function second(to: TestStream) {
  const pictures = () => Buffer.concat(Array.from({ length: 8 }, () => to.video(h264Picture)));
  const tables = Buffer.concat([to.pat(), to.pmt()]);
  const before = Buffer.concat([tables, to.sound(), pictures()]);
  const key = to.video(h264Key);
  return { tables, before, fromKey: Buffer.concat([key, pictures(), nothing]) };
}

async function playing(startAt: 'live' | 'entry', settings = {}) {
  const rig = await EdgeRig.start({ START_AT: startAt, ...settings });
  const feed = new Feed('zato01');
  const first = await rig.watch('first', 'zato01');
  const to = new TestStream();
  const opening = second(to);
  const stream = Buffer.concat([nothing, opening.before, opening.fromKey]);
  await rig.deliver(feed.carry(payloadsOf(stream)), first);
  return { rig, feed, to, first, ...opening };
}

describe('START_AT=entry', () => {
  it('sends the tables and the stream from the key picture on, and bills what came after the user', async () => {
    const { rig, feed, to, first, tables, fromKey } = await playing('entry');
    const late = await rig.watch('late', 'zato01');
    await rig.eventually(() => late.receivedBytes).toBe(tables.length + fromKey.length);
    expect(late.bytes.equals(Buffer.concat([tables, fromKey]))).toBe(true);

    const next = second(to);
    const more = feed.carry(payloadsOf(Buffer.concat([next.before, next.fromKey])));
    await rig.deliver(more, first, late);
    const expected = Buffer.concat([tables, fromKey, next.before, next.fromKey]);
    expect(late.bytes.equals(expected)).toBe(true);
    expect(first.bytes.equals(feed.bytes)).toBe(true);

    await rig.stop();
    expect(rig.store.totalMs('late' as UserId)).toBe(more.length * PACKET_MS);
    expect(rig.store.totalMs('first' as UserId)).toBe(feed.made.length * PACKET_MS);
  });

  it('begins live where the newest entry is older than ENTRY_MAX_AGE_MS', async () => {
    const { rig, feed, first } = await playing('entry', { ENTRY_MAX_AGE_MS: '1000' });
    // Until one who comes is sent nothing from before.
    for (let count = 0, began = 0; began !== nothing.length; count += 1) {
      const late = await rig.watch(`late-${count}`, 'zato01');
      await rig.deliver(feed.carry([nothing]), first);
      await rig.eventually(() => late.receivedBytes).toBeGreaterThanOrEqual(nothing.length);
      began = late.receivedBytes;
    }
    expect(first.bytes.equals(feed.bytes)).toBe(true);
  });

  it('lets a user who was too slow go on at a key picture, and counts the packets between as skipped', async () => {
    const rig = await EdgeRig.start({
      ...{ START_AT: 'entry', CHANNEL_LOG_BYTES: '1 MiB', MAX_PAYLOAD_BYTES: '65536' },
    });
    const feed = new Feed('zato01');
    const fast = await rig.watch('fast', 'zato01');
    const slow = await rig.watch('slow', 'zato01');
    slow.socket.pause();
    const to = new TestStream();
    let last = second(to);
    for (let step = 0; step < STEPS; step += 1) {
      last = second(to);
      const stream = Buffer.concat([filler, last.before, last.fromKey]);
      await rig.deliver(feed.carry(payloadsOf(stream, 20_000)), fast);
    }
    slow.socket.resume();
    const end = Buffer.concat([last.tables, last.fromKey]);
    await rig.eventually(() => slow.endsWith(end)).toBe(true);

    // Before the tables it has the beginning of the stream, up to the end of some packet.
    const before = slow.receivedBytes - end.length;
    expect(slow.bytes.subarray(0, before).equals(feed.bytes.subarray(0, before))).toBe(true);
    const starts = startsOf(feed);
    const firstLeft = starts.indexOf(before);
    const keyAt = feed.bytes.length - last.fromKey.length;
    const firstWhole = starts.filter((at) => at < keyAt).length;
    expect(firstLeft).toBeGreaterThan(0);
    expect(await rig.skippedOf('slow')).toEqual([firstWhole - firstLeft]);
    await rig.stop();
    const watched = feed.made.length - (firstWhole - firstLeft);
    expect(rig.store.totalMs('slow' as UserId)).toBe(watched * PACKET_MS);
  });
});

describe('START_AT=live', () => {
  it('adds nothing, moves nothing and leaves nothing out', async () => {
    const { rig, feed, to, first } = await playing('live');
    const late = await rig.watch('late', 'zato01');
    const next = second(to);
    const more = Buffer.concat([next.before, next.fromKey]);
    await rig.deliver(feed.carry(payloadsOf(more)), first, late);
    expect(late.bytes.equals(more)).toBe(true);
    expect(first.bytes.equals(feed.bytes)).toBe(true);
  });
});
