import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  h264Key,
  h264Picture,
  nothing,
  TestStream,
  VIDEO_PID,
} from '../mpeg-ts/testing/mpeg-ts-rig.ts';
import { packetOf } from '../ordering/testing/packets.ts';
import { ChannelLog, type LogPosition } from './channel-log.ts';
import { LogBudget } from './log-budget.ts';
import { RunLimits } from './run.ts';

const LIMITS = { maxBytes: 2 ** 30, maxMs: 5000, entryMaxAgeMs: 15_000 };

function logWith(limits: Partial<typeof LIMITS> = {}, packets = 4): ChannelLog {
  return new ChannelLog(
    { ...LIMITS, ...limits },
    new RunLimits(packets, 10),
    new LogBudget(2 ** 40),
  );
}

function append(log: ChannelLog, payload: Buffer, nowMs = 0): void {
  log.append(packetOf(payload), nowMs);
}

/** Tables, and a key picture in the middle of a payload of other packets. */
function opening() {
  const to = new TestStream();
  const tables = Buffer.concat([to.pat(), to.pmt()]);
  const picture = to.video(h264Picture);
  return { to, tables, picture, key: to.video(h264Key) };
}

/** What a user is sent that begins there: the tables, then all that is closed from there on. */
function readFrom(log: ChannelLog, { run, offset, tables }: LogPosition): Buffer {
  const parts: Buffer[] = [tables];
  for (let index = run; index < log.endRun; index += 1) {
    const { bytes } = log.closedRun(index)!;
    parts.push(index === run ? bytes.subarray(offset) : bytes);
  }
  return Buffer.concat(parts);
}

describe('the newest entry point', () => {
  it('is the key picture, in the middle of its payload; the next packet is the first that is whole', () => {
    const log = logWith();
    const { tables, picture, key } = opening();
    append(log, Buffer.concat([tables, nothing]));
    append(log, Buffer.concat([picture, key, nothing]));
    append(log, nothing);
    log.closeRun(0);
    const entry = log.newestEntry(0);
    expect(entry).toMatchObject({ packet: 2, tables });
    expect(readFrom(log, entry)).toEqual(Buffer.concat([tables, key, nothing, nothing]));
  });

  it('lies where it began, though it shows only payloads and runs later', () => {
    const log = logWith({}, 1);
    const { to, tables, picture } = opening();
    append(log, Buffer.concat([tables, nothing]));
    const key = to.video(h264Key, { perPacket: 8 });
    const cut = 188 + 50;
    append(log, Buffer.concat([picture, key.subarray(0, cut)]));
    append(log, Buffer.alloc(0));
    append(log, key.subarray(cut, 2 * cut));
    expect(log.newestEntry(0)).toEqual(log.live);
    append(log, key.subarray(2 * cut));
    expect(log.newestEntry(0)).toMatchObject({ run: 1, packet: 2, offset: picture.length });
  });

  it('is the one before while the newest is on its way', () => {
    const log = logWith({}, 1);
    const { to, tables, key } = opening();
    append(log, Buffer.concat([tables, nothing]));
    append(log, key);
    expect(log.newestEntry(0).packet).toBe(1); // there is no other
    const next = to.video(h264Key);
    append(log, next.subarray(0, 400));
    expect(log.newestEntry(0).packet).toBe(1);
    append(log, next.subarray(400));
    expect(log.newestEntry(0).packet).toBe(1);
    append(log, to.video(h264Picture));
    expect(log.newestEntry(0).packet).toBe(2);
  });

  it('is none once it is older than ENTRY_MAX_AGE_MS: the live end is left', () => {
    const log = logWith();
    const { tables, key } = opening();
    append(log, Buffer.concat([tables, key, nothing]), 1000);
    expect(log.newestEntry(16_000)).toMatchObject({ run: 0, packet: 1 });
    expect(log.newestEntry(16_001)).toEqual(log.live);
  });

  it('is none where its run was dropped', () => {
    const log = logWith({}, 1);
    const { tables, key } = opening();
    append(log, Buffer.concat([tables, key, nothing]));
    append(log, nothing);
    expect(log.newestEntry(0).run).toBe(0);
    log.dropOldest();
    expect(log.newestEntry(0)).toEqual(log.live);
  });

  it('is kept past CHANNEL_LOG_MS for as long as somebody may start there, and no longer', () => {
    const log = logWith({}, 1);
    const { tables, key } = opening();
    append(log, nothing, 0);
    append(log, Buffer.concat([tables, key, nothing]), 0);
    append(log, nothing, 6000);
    expect(log.firstRun).toBe(1);
    log.trim(15_000);
    expect(log.firstRun).toBe(1);
    log.trim(15_001);
    expect(log.firstRun).toBe(3);
  });

  it('is not moved by payloads that are empty, or no packets', () => {
    const log = logWith({}, 1);
    const { to, tables, key } = opening();
    append(log, Buffer.concat([tables, key, nothing]));
    const { run } = log.newestEntry(0);
    for (const odd of [Buffer.alloc(0), Buffer.alloc(100, 1)]) {
      append(log, odd);
      expect(log.newestEntry(0).run).toBe(run);
      append(log, Buffer.concat([to.video(h264Picture), nothing]));
      expect(log.newestEntry(0).run).toBe(run);
    }
  });

  it('is the beginning of the newest run where payloads are no transport stream', () => {
    const log = logWith({}, 2);
    for (let packet = 0; packet < 5; packet += 1) append(log, Buffer.from('text'));
    expect(log.newestEntry(0)).toMatchObject({ run: 2, offset: 0, packet: 4 });
    expect(log.newestEntry(0).tables).toHaveLength(0);
  });
});

describe('any stream in any payloads', () => {
  const pictures = fc.array(fc.boolean(), { minLength: 1, maxLength: 20 });
  const sizes = fc.array(fc.oneof(fc.nat(3000), fc.constantFrom(0, 1, 188, 1316, 70_000)), {
    minLength: 1,
    maxLength: 20,
  });

  it('is begun at its newest key picture, with the tables before it', () => {
    fc.assert(
      fc.property(pictures, sizes, fc.integer({ min: 1, max: 9 }), (keys, payloads, packets) => {
        const to = new TestStream();
        const tables = Buffer.concat([to.pat(), to.pmt()]);
        const parts: Buffer[] = [nothing, tables];
        let [keyAt, length] = [-1, nothing.length + tables.length];
        for (const [index, isKey] of keys.entries()) {
          const picture = to.pes(VIDEO_PID, isKey ? h264Key : h264Picture, { perPacket: 100 });
          // The last one is still on its way, for all that is known.
          if (isKey && (index < keys.length - 1 || keyAt === -1)) keyAt = length;
          length += picture.length;
          parts.push(picture);
        }
        const stream = Buffer.concat([...parts, nothing]);
        const log = logWith({}, packets);
        const starts: number[] = [];
        let at = 0;
        for (let index = 0; at < stream.length; index += 1) {
          const size = payloads[index % payloads.length]! + (index >= 200 ? 188 : 0);
          starts.push(at);
          append(log, stream.subarray(at, at + size));
          at = Math.min(stream.length, at + size);
        }
        log.closeRun(0);
        const entry = log.newestEntry(0);
        if (keyAt === -1) {
          expect(entry).toEqual(log.live);
          return;
        }
        const sent = readFrom(log, entry);
        expect(sent.equals(Buffer.concat([tables, stream.subarray(keyAt)]))).toBe(true);
        // Empty payloads at that very place may stand on either side.
        expect(starts[entry.packet] ?? stream.length).toBeGreaterThanOrEqual(keyAt);
        expect(starts[entry.packet - 1] ?? 0).toBeLessThanOrEqual(keyAt);
      }),
      { numRuns: 300 },
    );
  });
});
