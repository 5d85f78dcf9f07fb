import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AAC,
  H264,
  h264,
  h264Key,
  h264Picture,
  nothing,
  PMT_PID,
  packet,
  SOUND_PID,
  TestStream,
  VIDEO_PID,
} from '../testing/mpeg-ts-rig.ts';
import { TS_PACKET_BYTES } from '../ts-packet.ts';
import { EntryFinder, NO_ENTRY } from './entry-finder.ts';

type Step = 'pat' | 'pmt' | 'key' | 'picture' | 'sound' | 'nothing';
const steps = fc.array(
  fc.constantFrom<Step>('pat', 'pmt', 'key', 'picture', 'picture', 'sound', 'nothing'),
  { minLength: 1, maxLength: 60 },
);
const perPacket = fc.integer({ min: 1, max: 184 });

/** The stream, and where its entries are by a plain reading of the rule. */
function written(list: readonly Step[], bytesPerPacket: number) {
  const to = new TestStream();
  const parts: Buffer[] = [nothing];
  let [length, hasPat, isMapped] = [nothing.length, false, false];
  const entries: number[] = [];
  for (const step of list) {
    if (step === 'pat') {
      parts.push(to.pat());
      hasPat = true;
    } else if (step === 'pmt') {
      parts.push(to.pmt());
      isMapped ||= hasPat;
    } else if (step === 'sound') parts.push(to.sound());
    else if (step === 'nothing') parts.push(nothing);
    else
      parts.push(to.video(step === 'key' ? h264Key : h264Picture, { perPacket: bytesPerPacket }));
    if (step === 'key' && isMapped) entries.push(length);
    length += parts.at(-1)!.length;
  }
  return { bytes: Buffer.concat([...parts, nothing]), entries };
}

/** All entries that show, the stream cut at these places and each piece among bytes that are nobody's. */
function entriesOf(bytes: Buffer, cuts: readonly number[], around = 0x47): number[] {
  const finder = new EntryFinder();
  const seen: number[] = [];
  let from = 0;
  for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    const to = Math.min(bytes.length, cut);
    const piece = Buffer.alloc(to - from + 500, around);
    bytes.copy(piece, 250, from, to);
    finder.push(piece, 250, 250 + to - from);
    if (finder.begun.at !== (seen.at(-1) ?? NO_ENTRY)) seen.push(finder.begun.at);
    expect(finder.begun.at).toBeLessThan(to);
    const { begun, whole } = finder;
    if (begun.at !== NO_ENTRY) expect(whole.at).toBeLessThanOrEqual(begun.at);
    from = to;
  }
  return seen;
}

describe('any stream', () => {
  it('has its entries where a plain reading of the rule has them', () => {
    fc.assert(
      fc.property(steps, perPacket, (list, bytesPerPacket) => {
        const { bytes, entries } = written(list, bytesPerPacket);
        const cuts = Array.from({ length: bytes.length / TS_PACKET_BYTES }, (_, at) => at * 188);
        expect(entriesOf(bytes, cuts)).toEqual(entries);
      }),
      { numRuns: 200 },
    );
  });

  it('has the same newest entry however it is cut', () => {
    const cuts = fc.array(fc.nat(40_000), { maxLength: 60 });
    fc.assert(
      fc.property(steps, perPacket, cuts, (list, bytesPerPacket, at) => {
        const { bytes, entries } = written(list, bytesPerPacket);
        const seen = entriesOf(bytes, at);
        expect(seen.at(-1)).toBe(entries.at(-1));
        expect(entries).toEqual(expect.arrayContaining(seen));
      }),
      { numRuns: 200 },
    );
  });
});

describe('hostile bytes', () => {
  const to = new TestStream();
  const kinds = [
    ...[to.pat(), to.pmt(), to.video(h264Key), to.video(h264Picture), to.sound(), nothing],
    ...[to.video(h264.recoveryPoint), to.pmt([[AAC, SOUND_PID]]), to.pat([7, 0x30], [1, PMT_PID])],
    to.pmt([
      [0x80, VIDEO_PID],
      [H264, 0x33],
    ]),
    packet({ pid: VIDEO_PID, start: true, payload: Uint8Array.from([0, 0, 1]) }),
  ];
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 });
  const noise = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const framed = fc
    .uint8Array({ minLength: 187, maxLength: 187 })
    .map((bytes) => Buffer.from([0x47, ...bytes]));
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...kinds) },
    { weight: 1, arbitrary: noise },
    { weight: 3, arbitrary: framed },
  );
  const hostile = fc.tuple(piece, damage).map(([bytes, hits]) => {
    const damaged = Buffer.from(bytes);
    // Sync bytes stay: else little of it would be read.
    for (const [at, value] of hits) if (at % 188 !== 0) damaged[at % damaged.length] = value;
    return damaged;
  });
  const cuts = fc.array(fc.nat(8000), { maxLength: 12 });

  it('never make it throw or point ahead, and are read within their bounds alone', () => {
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 40 }), cuts, (pieces, at) => {
        const bytes = Buffer.concat([nothing, ...pieces]);
        expect(entriesOf(bytes, at, 0x47)).toEqual(entriesOf(bytes, at, 0x00));
      }),
      { numRuns: 500 },
    );
  });

  it('leave what it keeps within its bounds: tables of at most 32 packets each', () => {
    const big = Array.from({ length: 700 }, (_, index) => [AAC, 0x200 + index] as const);
    const stream = new TestStream();
    const programs = Array.from({ length: 250 }, (_, at) => [at + 1, PMT_PID] as const);
    const finder = new EntryFinder();
    const push = (bytes: Buffer) => finder.push(bytes, 0, bytes.length);
    push(nothing);
    push(stream.pat(...programs));
    push(stream.pmt([...big, [H264, VIDEO_PID]]));
    push(stream.video(h264Key));
    expect(finder.begun.tables.length).toBeGreaterThan(20 * TS_PACKET_BYTES);
    expect(finder.begun.tables.length).toBeLessThanOrEqual(64 * TS_PACKET_BYTES);
  });
});
