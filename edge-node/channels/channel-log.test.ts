import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PACKET_OVERHEAD_BYTES, RUN_MAX_BYTES } from '../../shared/limits.ts';
import { packetOf } from '../ordering/testing/packets.ts';
import { ChannelLog, type LogPosition } from './channel-log.ts';
import { LogBudget } from './log-budget.ts';
import { RunLimits } from './run.ts';

const LARGE = { maxBytes: 2 ** 30, maxMs: 2 ** 30, entryMaxAgeMs: 2 ** 30 };

function logWith(
  limits: Partial<typeof LARGE> = {},
  runPackets = 4,
  budget = new LogBudget(2 ** 40),
) {
  return {
    log: new ChannelLog({ ...LARGE, ...limits }, new RunLimits(runPackets, 10), budget),
    budget,
  };
}

/** A payload that tells its ordinal in its first four bytes. */
function payload(ordinal: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes, ordinal % 251);
  if (bytes >= 4) buffer.writeUInt32BE(ordinal);
  return buffer;
}

function append(log: ChannelLog, bytes: Buffer, nowMs = 0): boolean {
  return log.append(packetOf(bytes), nowMs);
}

/** Everything from a position on, as a user is sent it. */
function readFrom(log: ChannelLog, { run, offset }: LogPosition): Buffer {
  const parts: Buffer[] = [];
  for (let index = run; ; index += 1) {
    const next = log.closedRun(index);
    if (next === undefined) return Buffer.concat(parts);
    parts.push(index === run ? next.bytes.subarray(offset) : next.bytes);
  }
}

describe('runs', () => {
  it('close at the batch, and one Buffer holds what was appended', () => {
    const { log } = logWith();
    const payloads = [0, 1, 2, 3].map((ordinal) => payload(ordinal, 100));
    expect(payloads.map((bytes) => append(log, bytes))).toEqual([false, false, false, true]);
    expect(log.closedRun(0)?.bytes).toEqual(Buffer.concat(payloads));
    expect(log.closedRun(0)?.packets).toBe(4);
  });

  it('close before the payload that would make them larger than 64 KiB', () => {
    const { log } = logWith({}, 1000);
    while (log.endRun < 20) append(log, payload(0, 1316));
    for (let index = 0; index < 20; index += 1) {
      expect(log.closedRun(index)!.bytes.length).toBeLessThanOrEqual(RUN_MAX_BYTES);
    }
    expect(log.closedRun(19)!.bytes.length).toBeGreaterThan(RUN_MAX_BYTES - 2 * 1316);
  });

  it('of one payload larger than 64 KiB hold it alone', () => {
    const { log } = logWith();
    append(log, payload(0, 10));
    expect(append(log, payload(1, 100_000))).toBe(true);
    expect(log.closedRun(0)?.packets).toBe(1);
    expect(log.closedRun(1)?.bytes.length).toBe(100_000);
    expect(log.endRun).toBe(2);
  });

  it('hold payloads of no bytes as packets like any other', () => {
    const { log } = logWith();
    for (let ordinal = 0; ordinal < 4; ordinal += 1) append(log, Buffer.alloc(0));
    expect(log.closedRun(0)).toMatchObject({ packets: 4, firstPacket: 0 });
    expect(log.closedRun(0)?.bytes.length).toBe(0);
  });
});

describe('what is kept', () => {
  it('goes past CHANNEL_LOG_MS, but not from the newest entry point on', () => {
    const { log } = logWith({ maxMs: 5000 });
    for (let ordinal = 0; ordinal < 8; ordinal += 1) append(log, payload(ordinal, 100), 0);
    log.trim(5000);
    expect(log.firstRun).toBe(0);
    log.trim(5001);
    // No MPEG-TS: every run's start is an entry, and the newest is never cut.
    expect(log.firstRun).toBe(1);
    log.trim(60_000);
    expect(log.firstRun).toBe(1);
  });

  it('gives memory back when the log is cleared', () => {
    const { log, budget } = logWith();
    for (let ordinal = 0; ordinal < 9; ordinal += 1) append(log, payload(ordinal, 500));
    log.clear(0);
    expect(log.bytes).toBe(0);
    expect(budget.usedBytes).toBe(0);
    expect(budget.oldest).toBeUndefined();
  });

  it('gives memory back in the moment when a run is dropped, not when garbage is collected', () => {
    const { log } = logWith({}, 1);
    append(log, payload(0, 1000));
    const { bytes } = log.closedRun(0)!;
    log.dropOldest();
    expect(bytes.buffer.byteLength).toBe(0);
  });

  it('keeps the memory of a dropped run for as long as any write holds it', () => {
    const { log } = logWith({}, 1);
    append(log, payload(0, 1000));
    const run = log.closedRun(0)!;
    run.pins = 2;
    log.dropOldest();
    log.unpin(0);
    expect(run.bytes).toEqual(payload(0, 1000));
    log.unpin(0);
    expect(run.bytes.buffer.byteLength).toBe(0);
  });

  it('is dropped oldest first over all channels', () => {
    const budget = new LogBudget(2 ** 40);
    const a = logWith({}, 1, budget).log;
    const b = logWith({}, 1, budget).log;
    append(a, payload(0, 10));
    append(b, payload(0, 10));
    append(a, payload(1, 10));
    budget.oldest?.owner.dropOldest();
    expect([a.firstRun, b.firstRun]).toEqual([1, 0]);
    budget.oldest?.owner.dropOldest();
    expect([a.firstRun, b.firstRun]).toEqual([1, 1]);
  });
});

describe('any channel', () => {
  const sizes = fc.constantFrom(
    0,
    1,
    188,
    1316,
    1317,
    9000,
    RUN_MAX_BYTES - 1,
    RUN_MAX_BYTES,
    70_000,
  );
  const steps = fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.record({ do: fc.constant('append' as const), size: sizes }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(4000) }) },
    ),
    { maxLength: 120 },
  );

  it('is kept whole from its oldest run on, within its bytes, in consecutive runs', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 20 }), (schedule, packets) => {
        const maxBytes = 400_000;
        const { log, budget } = logWith({ maxBytes, maxMs: 5000 }, packets);
        const sent: Buffer[] = [];
        let nowMs = 0;
        for (const step of schedule) {
          if (step.do === 'append') {
            const bytes = payload(sent.length, step.size);
            sent.push(Buffer.from(bytes));
            append(log, bytes, nowMs);
            bytes.fill(0xee); // the source's buffer is used again: what the log keeps is its own copy
          } else if (step.do === 'close') {
            log.closeRun(nowMs);
          } else {
            nowMs += step.ms;
            log.trim(nowMs);
          }
          expect(log.nextPacket).toBe(sent.length);
          expect(budget.usedBytes).toBe(log.bytes);
          // The open run is never dropped: it may exceed the limit by itself.
          expect(log.bytes).toBeLessThanOrEqual(
            maxBytes + 70_000 + 21 * PACKET_OVERHEAD_BYTES + RUN_MAX_BYTES,
          );
        }
        log.closeRun(nowMs);
        let next: number | undefined;
        for (let index = log.firstRun; index < log.endRun; index += 1) {
          const run = log.closedRun(index)!;
          if (next !== undefined) expect(run.firstPacket).toBe(next);
          const expected = sent.slice(run.firstPacket, run.firstPacket + run.packets);
          expect(run.bytes.equals(Buffer.concat(expected))).toBe(true);
          next = run.firstPacket + run.packets;
        }
        if (next !== undefined) expect(next).toBe(sent.length);
        expect(log.closedRun(log.firstRun - 1)).toBeUndefined();
        expect(log.closedRun(log.endRun)).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });

  it('can be joined at its live end: what comes from then on, and nothing before', () => {
    fc.assert(
      fc.property(fc.nat(30), fc.nat(30), (before, after) => {
        const { log } = logWith();
        for (let ordinal = 0; ordinal < before; ordinal += 1) append(log, payload(ordinal, 50));
        const { live } = log;
        const openPackets = before % 4 === 0 ? 0 : 4 - (before % 4);
        for (let ordinal = 0; ordinal < after; ordinal += 1)
          append(log, payload(before + ordinal, 50));
        log.closeRun(0);
        const expected = [];
        for (let ordinal = openPackets; ordinal < after; ordinal += 1) {
          expected.push(payload(before + ordinal, 50));
        }
        expect(readFrom(log, live).equals(Buffer.concat(expected))).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
