import { describe, expect, it } from 'vitest';
import { loadConfig } from '../shared/config.ts';
import { RUN_MAX_BYTES, WRITE_MAX_BYTES } from '../shared/limits.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { Feed } from './testing/feed.ts';
import { bodyOf } from './testing/opening.ts';
import { pushedClock } from './testing/pushed-clock.ts';
import type { ScriptedUser } from './testing/scripted-user.ts';

const PAYLOAD_BYTES = 1316;
/** Much less than what the tests send past a user who does not read. */
const LOG = { CHANNEL_LOG_BYTES: '1 MiB', MAX_PAYLOAD_BYTES: '65536' };
/** More than the kernel keeps for both ends of a connection, and the log. */
const STEPS = 80;
const STEP_PACKETS = 200;

/** The sequences a user got; each packet must be whole. */
function sequencesOf(user: ScriptedUser, feed: Feed): number[] {
  const { bytes } = user;
  expect(bytes.length % PAYLOAD_BYTES).toBe(0);
  return Array.from({ length: bytes.length / PAYLOAD_BYTES }, (_, i) => {
    const payload = bytes.subarray(i * PAYLOAD_BYTES, (i + 1) * PAYLOAD_BYTES);
    const sequence = Number(payload.readBigUInt64BE());
    expect(payload.equals(feed.made[sequence]!.payload)).toBe(true);
    return sequence;
  });
}

describe('beside users who read', () => {
  it('a slow one loses whole packets, each of them counted, and the others none', async () => {
    const rig = await EdgeRig.start(LOG);
    const feed = new Feed('zato01', { payloadBytes: PAYLOAD_BYTES });
    const fast = await rig.watchAll(['fast-1', 'fast-2', 'fast-3'], 'zato01');
    const slow = await rig.watch('slow', 'zato01');
    slow.socket.pause();
    for (let i = 0; i < STEPS; i += 1) await rig.deliver(feed.make(STEP_PACKETS), ...fast);
    slow.socket.resume();
    await rig.deliver(feed.make(STEP_PACKETS), ...fast);
    const last = feed.made.length - 1;
    await rig
      .eventually(() => {
        const at = slow.receivedBytes - PAYLOAD_BYTES;
        return at < 0 ? -1 : Number(slow.bytes.readBigUInt64BE(at));
      })
      .toBe(last);

    for (const user of fast) expect(user.bytes.equals(feed.bytes)).toBe(true);
    const sequences = sequencesOf(slow, feed);
    expect(sequences).toEqual([...new Set(sequences)].toSorted((a, b) => a - b));
    const missing = feed.made.length - sequences.length;
    expect(missing).toBeGreaterThan(0);
    expect(await rig.skippedOf('slow')).toEqual([missing]);
    expect(await rig.metric('channel_skipped_packets_total', 'zato01')).toBe(missing);
    for (const id of ['fast-1', 'fast-2', 'fast-3']) expect(await rig.skippedOf(id)).toEqual([0]);
    expect(slow.isWatching).toBe(true);
  });

  it('a slow player over HTTP loses whole packets, and no player and no other user loses any', async () => {
    const rig = await EdgeRig.start(LOG);
    const feed = new Feed('zato01', { payloadBytes: PAYLOAD_BYTES });
    const line = await rig.watch('line', 'zato01');
    for (const id of ['player', 'slow']) rig.store.registered.add(id);
    const [player, slow] = ['player', 'slow'].map((id) =>
      rig.connectHttp(`GET /watch/zato01?user=${id}&start=live HTTP/1.0\r\n\r\n`),
    ) as [ScriptedUser, ScriptedUser];
    await rig.eventually(() => rig.metric('users')).toBe(3);
    await rig.eventually(() => player.text).toMatch(/\r\n\r\n$/);
    slow.socket.pause();
    for (let i = 0; i < STEPS; i += 1) await rig.deliver(feed.make(STEP_PACKETS), line, player);
    expect(line.bytes.equals(feed.bytes)).toBe(true);
    expect(bodyOf(player).equals(feed.bytes)).toBe(true);
    for (const id of ['line', 'player']) expect(await rig.skippedOf(id)).toEqual([0]);
    slow.socket.resume();
    await rig.deliver(feed.make(STEP_PACKETS), line, player);
    const skipped = async () => (await rig.skippedOf('slow'))[0] ?? 0;
    const got = () => bodyOf(slow).length / PAYLOAD_BYTES;
    await rig.eventually(async () => got() + (await skipped())).toBe(feed.made.length);
    expect(await skipped()).toBeGreaterThan(0);
    expect(slow.isWatching).toBe(true);
  });

  it('a stalled one is reset, and the others lose nothing by it', async () => {
    const clock = pushedClock();
    const rig = await EdgeRig.start(LOG, 'there', clock);
    const feed = new Feed('zato01', { payloadBytes: PAYLOAD_BYTES });
    const fast = await rig.watchAll(['fast-1', 'fast-2'], 'zato01');
    const stalled = await rig.watch('stalled', 'zato01');
    stalled.socket.pause();
    const isClosed = () => rig.metric('closes_total', 'stalled');
    for (let i = 0; i < STEPS; i += 1) await rig.deliver(feed.make(STEP_PACKETS), ...fast);
    // No other's write is under way now, however slow this machine is.
    clock.push(loadConfig({}).USER_STALL_MS);
    await rig.eventually(isClosed).toBe(1);
    await rig.deliver(feed.make(STEP_PACKETS), ...fast);
    for (const user of fast) expect(user.bytes.equals(feed.bytes)).toBe(true);
    expect(fast.every((user) => user.isWatching)).toBe(true);
    expect(await rig.metric('users')).toBe(2);
    stalled.socket.resume();
    await rig.eventually(() => stalled.errorCode).toBe('ECONNRESET');
  });

  it('any number of stalled ones cost the node one log and a write each, not a log each', async () => {
    const rig = await EdgeRig.start({ ...LOG, MAX_SESSIONS_PER_USER: '20' });
    const feed = new Feed('zato01', { payloadBytes: PAYLOAD_BYTES });
    const fast = await rig.watch('fast', 'zato01');
    const stalled = await rig.watchAll(
      Array.from({ length: 20 }, () => 'stalled'),
      'zato01',
    );
    // Where each gets stuck is the kernel's affair: at one run, or at as many as there are users.
    const mostBytes = 1024 ** 2 + stalled.length * (WRITE_MAX_BYTES + RUN_MAX_BYTES);
    for (const { socket } of stalled) socket.pause();
    for (let i = 0; i < STEPS; i += 1) {
      await rig.deliver(feed.make(STEP_PACKETS), fast);
      expect(await rig.metric('log_bytes')).toBeLessThanOrEqual(mostBytes);
    }
    expect(fast.bytes.equals(feed.bytes)).toBe(true);
  });

  it('those whose writes hold what the log has dropped are cut off past EDGE_LOG_BYTES, oldest first', async () => {
    const payloadBytes = 256 * 1024;
    const limit = 4 * 1024 ** 2;
    const rig = await EdgeRig.start({
      EDGE_LOG_BYTES: String(limit),
      CHANNEL_LOG_BYTES: '1 MiB',
      REORDER_MAX_BYTES: '1 MiB',
      MAX_PAYLOAD_BYTES: String(payloadBytes),
    });
    const feed = new Feed('zato01', { payloadBytes });
    const fast = await rig.watch('fast', 'zato01');
    // Each begins a packet later than the one before, and so each gets stuck at another run.
    const stalled: ScriptedUser[] = [];
    for (let i = 0; i < 30; i += 1) {
      const user = await rig.watch(`stalled-${i}`, 'zato01');
      user.socket.pause();
      stalled.push(user);
      await rig.deliver(feed.make(1), fast);
    }
    for (let i = 0; i < 40; i += 1) {
      await rig.deliver(feed.make(2), fast);
      expect(await rig.metric('log_bytes')).toBeLessThanOrEqual(limit);
    }
    expect(fast.bytes.equals(feed.bytes)).toBe(true);
    const cutOff = await rig.metric('closes_total', 'memory_short');
    expect(cutOff).toBeGreaterThan(0);
    expect(cutOff).toBeLessThan(stalled.length);
    expect(await rig.skippedOf('fast')).toEqual([0]);
  });

  it('a slow channel is not held up by one that is sent flat out', async () => {
    const rig = await EdgeRig.start(LOG);
    const [quiet, loud] = [new Feed('quiet'), new Feed('loud', { payloadBytes: PAYLOAD_BYTES })];
    const ofQuiet = await rig.watch('user-1', 'quiet');
    const ofLoud = await rig.watch('user-2', 'loud');
    ofLoud.socket.pause();
    for (let i = 0; i < STEPS; i += 1) {
      rig.source.send(loud.make(STEP_PACKETS));
      await rig.deliver(quiet.make(1), ofQuiet);
    }
    expect(ofQuiet.bytes.equals(quiet.bytes)).toBe(true);
    expect(await rig.metric('channel_received_packets_total', 'loud')).toBe(STEPS * STEP_PACKETS);
  });
});
