import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WRITE_MAX_BYTES } from '../../shared/limits.ts';
import { ChannelLog } from '../channels/channel-log.ts';
import { LogBudget } from '../channels/log-budget.ts';
import { RunLimits } from '../channels/run.ts';
import { packetOf } from '../ordering/testing/packets.ts';
import { LogCursor } from './log-cursor.ts';

const PACKET_BYTES = 4;

/** A log whose payloads tell their ordinal, and whose runs close at `runPackets`. */
function logOf(runPackets: number): ChannelLog {
  const limits = { maxBytes: 2 ** 30, maxMs: 2 ** 30, entryMaxAgeMs: 2 ** 30 };
  return new ChannelLog(limits, new RunLimits(runPackets, 10), new LogBudget(2 ** 40));
}

function append(log: ChannelLog, packets = 1, bytes = PACKET_BYTES): void {
  for (let i = 0; i < packets; i += 1) {
    const payload = Buffer.alloc(bytes);
    if (bytes >= PACKET_BYTES) payload.writeUInt32BE(log.nextPacket);
    log.append(packetOf(payload), 0);
  }
}

/** A whole stretch, as a session writes it. */
function takeStretch(cursor: LogCursor) {
  const parts: Buffer[] = [];
  for (let bytes = cursor.next(0); bytes !== undefined; bytes = cursor.next(0)) parts.push(bytes);
  const { packets, watchedPackets, bytes } = cursor;
  cursor.endStretch();
  return { parts, packets, watchedPackets, bytes };
}

function ordinalsIn(parts: readonly Buffer[]): number[] {
  const all = Buffer.concat(parts);
  return Array.from({ length: all.length / PACKET_BYTES }, (_, i) =>
    all.readUInt32BE(i * PACKET_BYTES),
  );
}

describe('a stretch', () => {
  it('is all closed runs, each of them the very buffer of the log', () => {
    const log = logOf(2);
    const cursor = new LogCursor(log, log.live);
    append(log, 5);
    const { parts, packets, bytes } = takeStretch(cursor);
    expect(parts).toHaveLength(2);
    expect(parts[1]).toBe(log.closedRun(1)?.bytes);
    expect([packets, bytes]).toEqual([4, 4 * PACKET_BYTES]);
    expect(cursor.isBehind).toBe(false);
    expect(cursor.lagPackets).toBe(1);
    expect(takeStretch(cursor)).toEqual({ parts: [], packets: 0, watchedPackets: 0, bytes: 0 });
  });

  it('holds at most WRITE_MAX_BYTES, but a whole run however large', () => {
    const log = logOf(1);
    const cursor = new LogCursor(log, log.live);
    append(log, 1, 2 * WRITE_MAX_BYTES);
    for (let i = 0; i < 3; i += 1) append(log, 1, WRITE_MAX_BYTES / 2);
    expect(takeStretch(cursor).bytes).toBe(2 * WRITE_MAX_BYTES);
    expect(takeStretch(cursor)).toMatchObject({ packets: 2, bytes: WRITE_MAX_BYTES });
    expect(cursor.isBehind).toBe(true);
    expect(takeStretch(cursor)).toMatchObject({ packets: 1, bytes: WRITE_MAX_BYTES / 2 });
  });

  it('of payloads of no bytes has packets all the same', () => {
    const log = logOf(2);
    const cursor = new LogCursor(log, log.live);
    append(log, 4, 0);
    expect(takeStretch(cursor)).toMatchObject({ packets: 4, watchedPackets: 4, bytes: 0 });
  });
});

describe('where it begins', () => {
  it('live: with the next run that opens; what the open run still takes came before the user', () => {
    const log = logOf(3);
    append(log, 1);
    const cursor = new LogCursor(log, log.live);
    append(log, 5);
    const { parts, watchedPackets } = takeStretch(cursor);
    expect(ordinalsIn(parts)).toEqual([3, 4, 5]);
    expect(watchedPackets).toBe(3);
    expect(cursor.skippedPackets).toBe(0);
  });

  it('at an entry point: in the middle of a run; what was there before the user is not watched', () => {
    const log = logOf(4);
    append(log, 4);
    const cursor = new LogCursor(log, {
      run: 0,
      offset: 2 * PACKET_BYTES,
      packet: 2,
      tables: Buffer.alloc(0),
    });
    append(log, 4);
    const { parts, packets, watchedPackets } = takeStretch(cursor);
    expect(ordinalsIn(parts)).toEqual([2, 3, 4, 5, 6, 7]);
    expect([packets, watchedPackets]).toEqual([6, 4]);
  });
});

describe('tables before an entry point', () => {
  const tables = Buffer.from('tables');

  it('go with the first run of the first stretch, as bytes and not as packets', () => {
    const log = logOf(4);
    append(log, 2);
    const start = { run: 0, offset: PACKET_BYTES + 2, packet: 2, tables };
    const cursor = new LogCursor(log, start);
    expect(cursor.next(0)).toBeUndefined(); // not alone, while the run is open
    append(log, 6);
    const { parts, ...sums } = takeStretch(cursor);
    expect(parts[0]).toBe(tables);
    expect(parts).toHaveLength(3);
    // The rest of the packet that was entered in its middle is given, and no packet either.
    expect(Buffer.concat(parts.slice(1))).toHaveLength(6 * PACKET_BYTES + 2);
    expect(sums).toEqual({
      packets: 6,
      watchedPackets: 6,
      bytes: tables.length + 6 * PACKET_BYTES + 2,
    });
    append(log, 4);
    expect(takeStretch(cursor).parts).toHaveLength(1);
  });
});

describe('a log that has dropped what came next', () => {
  it('is gone on with at its newest entry point, and what lies between is skipped', () => {
    const log = logOf(2);
    const cursor = new LogCursor(log, log.live);
    append(log, 8);
    log.dropOldest();
    expect(ordinalsIn(takeStretch(cursor).parts)).toEqual([6, 7]);
    expect(cursor.skippedPackets).toBe(6);
  });
});

describe('whatever happens', () => {
  const step = fc.oneof(
    fc.record({ append: fc.integer({ min: 1, max: 20 }) }),
    fc.constant({ drop: true }),
    fc.constant({ close: true }),
    fc.constant({ take: true }),
  );

  it('every packet from the first taken on is taken once, in order, or skipped and counted', () => {
    fc.assert(
      fc.property(fc.array(step), fc.integer({ min: 1, max: 5 }), (steps, runPackets) => {
        const log = logOf(runPackets);
        const cursor = new LogCursor(log, log.live);
        const taken: number[] = [];
        let watched = 0;
        const take = () => {
          const stretch = takeStretch(cursor);
          expect(stretch.packets).toBe(ordinalsIn(stretch.parts).length);
          taken.push(...ordinalsIn(stretch.parts));
          watched += stretch.watchedPackets;
        };
        for (const each of steps) {
          if ('append' in each) append(log, each.append);
          else if ('drop' in each) log.dropOldest();
          else if ('close' in each) log.closeRun(0);
          else take();
        }
        log.closeRun(0);
        take();
        expect(taken).toEqual([...new Set(taken)].toSorted((a, b) => a - b));
        expect(taken.length + cursor.skippedPackets).toBe(log.nextPacket);
        expect(watched).toBe(taken.length);
        expect(cursor.lagPackets).toBe(0);
      }),
    );
  });
});
