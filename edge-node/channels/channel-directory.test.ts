import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../shared/clock.ts';
import type { ChannelId } from '../../shared/ids.ts';
import { CHANNEL_IDLE_MS, CHANNEL_QUIET_MS, SOURCE_TURN_BYTES } from '../../shared/limits.ts';
import { createLogger, LogLimiter } from '../../shared/logger.ts';
import { packetOf } from '../ordering/testing/packets.ts';
import type { ReadProgress } from '../source/feed.ts';
import { channelKeyAt, encodePacket } from '../source/packet.ts';
import type { Channel, Watcher } from './channel.ts';
import { ChannelDirectory } from './channel-directory.ts';

const PAYLOAD = Buffer.alloc(100);
const WATCHER: Watcher = { attach() {}, advance() {}, letGoOf() {} };

const DRY: ReadProgress = { mark: () => ({ isRead: () => true }) };

function directoryOf(
  maxChannels: number,
  progress = DRY,
  clock = systemClock(),
  runsClosed: (channel: Channel) => void = () => {},
): ChannelDirectory {
  const logger = createLogger('fatal', 'test');
  const directory = new ChannelDirectory({
    maxChannels,
    maxBytes: 2 ** 30,
    reorder: { maxPackets: 1024, maxBytes: 2 ** 22, deadlineMs: 1000, settleMs: 200 },
    logLimits: { maxBytes: 2 ** 23, maxMs: 5000, entryMaxAgeMs: 15_000 },
    idleRun: { packets: 10, lingerMs: 10 },
    merged: undefined,
    progress,
    runsClosed,
    packetDurationMs: 20,
    clock,
    logger,
    limiter: new LogLimiter(logger),
  });
  onTestFinished(() => directory.stop());
  return directory;
}

/** One packet of a channel whose id is padded with spaces or, else, with NUL. */
function send(directory: ChannelDirectory, id: string, nowMs: number, padding = '\0'): void {
  const key = channelKeyAt(encodePacket(id.padEnd(6, padding), 0n, PAYLOAD), 0);
  directory.packet(key, packetOf(PAYLOAD, 0n, nowMs));
}

function idsOf(directory: ChannelDirectory): string[] {
  return [...directory.channels].map(({ id }) => id).sort();
}

/** A loop that was held up for longer than the deadline, while a source that never pauses sent this much before the packet. */
async function heldUp(unreadBytes: number, maxUnreadBytes: number): Promise<number> {
  let bytesRead = 0;
  const progress: ReadProgress = {
    mark() {
      const end = bytesRead + maxUnreadBytes;
      return { isRead: () => bytesRead >= end };
    },
  };
  let nowMs = 0;
  const directory = directoryOf(1, progress, { ...systemClock(), monotonicMs: () => nowMs });
  const push = (sequence: bigint) => {
    const key = channelKeyAt(encodePacket('zato01', sequence, PAYLOAD), 0);
    directory.packet(key, packetOf(PAYLOAD, sequence, nowMs));
  };
  for (const sequence of [0n, 2n]) push(sequence);
  nowMs = 5000;
  const [channel] = directory.channels;
  while (channel?.counters.ordered === 1) {
    await new Promise((resolve) => setImmediate(resolve));
    bytesRead += SOURCE_TURN_BYTES;
    // The missing packet was among them, the last.
    if (bytesRead === unreadBytes) push(1n);
  }
  return channel?.counters.lost ?? Number.NaN;
}

describe('a gap whose time is over', () => {
  const mib = 1024 * 1024;

  it('is not lost while what the kernel holds has not been read', async () => {
    expect(await heldUp(30 * mib, 32 * mib)).toBe(0);
  });

  it('is not lost while a sender that the full socket has stopped sends what it had to keep', async () => {
    let nowMs = 0;
    const directory = directoryOf(1, DRY, { ...systemClock(), monotonicMs: () => nowMs });
    const push = (sequence: bigint) => {
      const key = channelKeyAt(encodePacket('zato01', sequence, PAYLOAD), 0);
      directory.packet(key, packetOf(PAYLOAD, sequence, nowMs));
    };
    for (const sequence of [0n, 2n]) push(sequence);
    nowMs = 5000;
    // Some ticks later, the socket having been dry at each of them.
    await new Promise((resolve) => setTimeout(resolve, 100));
    push(1n);
    const [channel] = directory.channels;
    expect(channel?.counters).toMatchObject({ ordered: 3, lost: 0 });
  });

  it('is given up once more was read than the kernel can have held, though the source never pauses', async () => {
    expect(await heldUp(Number.POSITIVE_INFINITY, 32 * mib)).toBe(1);
  });
});

describe('the linger', () => {
  it('of a run that opens while users are sent those before it ends after that round, however long it takes', async () => {
    const clock = systemClock();
    let closed = 0;
    const directory = directoryOf(1, DRY, clock, () => {
      closed += 1;
    });
    const push = (sequence: bigint) => {
      const key = channelKeyAt(encodePacket('zato01', sequence, PAYLOAD), 0);
      directory.packet(key, packetOf(PAYLOAD, sequence, clock.monotonicMs()));
    };
    push(0n);
    await expect.poll(() => closed).toBe(1);
    push(1n);
    // Several times the linger.
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(closed).toBe(1);
    const [channel] = directory.channels;
    channel?.roundEnded(clock.monotonicMs());
    await expect.poll(() => closed).toBe(2);
    expect(channel?.log.openedMs).toBeUndefined();
  });
});

describe('at MAX_CHANNELS', () => {
  it('the channel without users that was used least lately makes room, and none that is in use', () => {
    const directory = directoryOf(3);
    send(directory, 'junk1', 0);
    send(directory, 'junk2', 1);
    send(directory, 'live', 2);
    directory.watch('junk1' as ChannelId, WATCHER);
    const nowMs = 2 + CHANNEL_QUIET_MS;
    send(directory, 'live', nowMs);
    send(directory, 'new', nowMs);
    expect(idsOf(directory)).toEqual(['junk1', 'live', 'new']);
    send(directory, 'more', nowMs);
    expect(idsOf(directory)).toEqual(['junk1', 'live', 'new']);
    expect(directory.excessChannelPackets).toBe(1);
  });

  it('more channels than there is room for do not push each other out with every packet', () => {
    const directory = directoryOf(2);
    for (let nowMs = 0; nowMs < 5000; nowMs += 20) {
      for (const id of ['a', 'b', 'c']) send(directory, id, nowMs);
    }
    expect(idsOf(directory)).toEqual(['a', 'b']);
  });
});

describe('a channel that is forgotten', () => {
  it('is gone under every way in which its id was padded, and begins anew', async () => {
    const directory = directoryOf(10);
    send(directory, 'ab', 0);
    send(directory, 'ab', 0, ' ');
    const [before] = directory.channels;
    await directory.sweep(CHANNEL_IDLE_MS);
    expect(directory.size).toBe(0);
    send(directory, 'ab', CHANNEL_IDLE_MS, ' ');
    send(directory, 'ab', CHANNEL_IDLE_MS);
    const [after] = directory.channels;
    expect(directory.size).toBe(1);
    expect(after).not.toBe(before);
  });

  it('is forgotten in slices, between which the sockets are polled', async () => {
    let nowMs = 0;
    // Each look at the clock finds that another millisecond has gone by.
    const clock = { ...systemClock(), monotonicMs: () => (nowMs += 1) };
    const directory = directoryOf(100, undefined, clock);
    for (let i = 0; i < 100; i += 1) send(directory, `c${i}`, 0);
    let polls = 0;
    const poll = () => {
      polls += 1;
      immediate = setImmediate(poll);
    };
    let immediate = setImmediate(poll);
    await directory.sweep(CHANNEL_IDLE_MS);
    clearImmediate(immediate);
    expect(directory.size).toBe(0);
    expect(polls).toBeGreaterThanOrEqual(10);
  });
});

it('begins a channel anew that a backlog was asked for again: what was told before holds no more', () => {
  const directory = directoryOf(1);
  const id = 'zato01' as ChannelId;
  directory.backlogBegins(id);
  directory.beginsAt(id, { high: 0, low: 5_000 });
  directory.backlogEnded(id, undefined);
  directory.backlogBegins(id);
  directory.backlogEnded(id, undefined);
  send(directory, id, 0);
  expect([...directory.channels][0]?.counters).toMatchObject({ ordered: 1 });
});
