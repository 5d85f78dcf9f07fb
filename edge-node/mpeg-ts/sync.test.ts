import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketSync } from './sync.ts';
import { packet } from './testing/mpeg-ts-rig.ts';
import { pidOf, TS_PACKET_BYTES } from './ts-packet.ts';

/** Packets that tell their number by their PID; no other byte of them looks like a sync byte. */
const numbered = (count: number, first = 0): Buffer[] =>
  Array.from({ length: count }, (_, index) =>
    packet({ pid: first + index, payload: Buffer.alloc(184, 0x11) }),
  );

interface Found {
  readonly pids: number[];
  readonly places: number[];
}

function found(stream: Buffer, cuts: readonly number[], sync?: PacketSync): Found {
  const seen: Found = { pids: [], places: [] };
  const own =
    sync ??
    new PacketSync((bytes, at, streamAt) => {
      expect(bytes[at]).toBe(0x47);
      seen.pids.push(pidOf(bytes.readUInt32BE(at)));
      seen.places.push(streamAt);
    });
  let from = 0;
  for (const cut of [...cuts, stream.length]) {
    const to = Math.min(stream.length, Math.max(from, cut));
    // Around the piece stand bytes that belong to nobody.
    const around = Buffer.alloc(to - from + 40, 0x47);
    stream.copy(around, 20, from, to);
    own.push(around, 20, 20 + to - from);
    from = to;
  }
  return seen;
}

const every = (size: number, length: number): number[] =>
  Array.from({ length: Math.ceil(length / size) }, (_, index) => (index + 1) * size);
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

const stream = Buffer.concat(numbered(40));

describe('packets are found', () => {
  it.each([1, 7, 100, 187, 188, 189, 376, 1300, 1316, 1400, 65_536])(
    'in pieces of %i bytes',
    (size) => {
      const { pids, places } = found(stream, every(size, stream.length));
      expect(pids).toEqual(range(0, 40));
      expect(places).toEqual(range(0, 40).map((index) => index * TS_PACKET_BYTES));
    },
  );

  it('from the middle of one on', () => {
    const { pids, places } = found(stream.subarray(100), [50, 60, 700]);
    expect(pids).toEqual(range(1, 40));
    expect(places[0]).toBe(88);
  });

  it.each([192, 204])('where each takes %i bytes', (stride) => {
    const extra = (index: number) => Buffer.alloc(stride - 188, index); // 0x47 once, too
    const wide = Buffer.concat(
      numbered(80).map((bytes, index) => Buffer.concat([extra(index), bytes])),
    );
    const { pids, places } = found(wide, every(1000, wide.length));
    expect(pids).toEqual(range(0, 80));
    expect(places).toEqual(range(0, 80).map((index) => index * stride + stride - 188));
  });

  it('again after bytes that belong to none, however many, without losing a packet', () => {
    for (const length of [1, 12, 100, 188, 5000]) {
      const stray = Buffer.alloc(length, 0x01);
      const broken = Buffer.concat([...numbered(10), stray, ...numbered(10, 10)]);
      expect(found(broken, every(1316, broken.length)).pids).toEqual(range(0, 20));
    }
  });

  it('again behind each header of an RTP packet', () => {
    const datagrams = range(0, 6).flatMap((index) => [Buffer.alloc(12), ...numbered(7, index * 7)]);
    const bytes = Buffer.concat(datagrams);
    expect(found(bytes, every(1328, bytes.length)).pids).toEqual(range(0, 42));
  });

  it('but for one whose sync byte was damaged', () => {
    const damaged = Buffer.from(stream);
    damaged[10 * 188] = 0x46;
    expect(found(damaged, every(1316, damaged.length)).pids).toEqual([
      ...range(0, 10),
      ...range(11, 40),
    ]);
  });

  it('nowhere in what is no transport stream', () => {
    const text = Buffer.from('GGGG not a stream at all. '.repeat(500));
    const sync = new PacketSync(() => expect.unreachable());
    found(text, every(1316, text.length), sync);
    expect([sync.isFollowing, sync.strideBytes, sync.streamBytes]).toEqual([false, 0, text.length]);
  });
});

describe('any stream', () => {
  it('gives the same packets however it is cut, empty pieces included', () => {
    const piece = fc.oneof(
      fc.nat(6).map((first) => Buffer.concat(numbered(6, first * 10))),
      fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
      fc.constant(Buffer.alloc(300, 0x47)),
    );
    const cuts = fc.array(fc.nat(5000), { maxLength: 40 }).map((at) => at.sort((a, b) => a - b));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), cuts, (pieces, at) => {
        const bytes = Buffer.concat(pieces);
        const whole = found(bytes, []);
        expect(found(bytes, at)).toEqual(whole);
        whole.places.forEach((place, index) => {
          expect(place).toBeGreaterThanOrEqual((whole.places[index - 1] ?? -188) + 188);
        });
      }),
      { numRuns: 300 },
    );
  });
});
