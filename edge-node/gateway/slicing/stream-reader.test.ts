import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TS_PACKET_BYTES } from '../../mpeg-ts/ts-packet.ts';
import { TestStream } from '../testing/test-stream.ts';
import { StreamReader } from './stream-reader.ts';

/** Reads a stream in pieces, and keeps what is handed on. */
function read(pieces: readonly Buffer[], program?: number) {
  const parts: Buffer[] = [];
  const told: ('pcr' | 'loss')[] = [];
  const reader = new StreamReader(
    {
      bytes: (bytes, start, end) => parts.push(Buffer.from(bytes.subarray(start, end))),
      pcr: () => told.push('pcr'),
      loss: () => told.push('loss'),
    },
    program,
  );
  // Each piece in a buffer that is overwritten after the call, as a socket's is.
  for (const piece of pieces) {
    const lent = Buffer.from(piece);
    reader.push(lent, 0, lent.length, 0);
    lent.fill(0x55);
  }
  return { reader, bytes: Buffer.concat(parts), told };
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...pieces, bytes.subarray(at)];
}

function stream(): { bytes: Buffer; count: number } {
  const made = new TestStream();
  return { bytes: Buffer.concat([made.tables(), ...made.units(20)]), count: 20 };
}

const PACKET_2 = 2 * TS_PACKET_BYTES;

describe('a stream', () => {
  it('is handed on whole, with each PCR told once, in pieces of any size', () => {
    const { bytes, count } = stream();
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1500 }), { maxLength: 60 }), (sizes) => {
        const result = read(cut(bytes, sizes));
        expect(result.bytes.equals(bytes)).toBe(true);
        expect(result.told).toEqual(new Array(count).fill('pcr'));
      }),
      { numRuns: 300 },
    );
  });

  it('that lacks a packet, repeats one, or says that its counter jumps is told as what it is', () => {
    const { bytes } = stream();
    const gap = 40 * TS_PACKET_BYTES;
    const [before, at, after] = [
      bytes.subarray(0, gap),
      bytes.subarray(gap, gap + TS_PACKET_BYTES),
      bytes.subarray(gap + TS_PACKET_BYTES),
    ];
    const losses = (...pieces: Buffer[]) =>
      read([Buffer.concat(pieces)]).told.filter((what) => what === 'loss').length;
    expect(losses(before, after)).toBe(1);
    expect(losses(before, at, at, after)).toBe(0);
    const marked = Buffer.from(after);
    marked.writeUInt8(marked.readUInt8(1) | 0x80, 1);
    // The broken packet, and the counter that it did not carry on.
    expect(losses(before, at, marked)).toBe(2);
  });

  it('that loses its alignment is found again, and the loss is told', () => {
    const { bytes } = stream();
    const result = read([bytes.subarray(0, 5000), Buffer.alloc(50, 1), bytes.subarray(5000)]);
    expect(result.reader.syncLosses).toBe(1);
    expect(result.told).toContain('loss');
    expect(bytes.length - result.bytes.length).toBeLessThan(PACKET_2);
  });

  it('may hold anything: nothing throws, and no more goes on than came', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      fc.constant(stream().bytes.subarray(0, 3000)),
      fc.constant(Buffer.alloc(TS_PACKET_BYTES, 0x47)),
      fc
        .uint8Array({ minLength: TS_PACKET_BYTES - 1, maxLength: TS_PACKET_BYTES - 1 })
        .map((rest) => Buffer.concat([Buffer.of(0x47), rest])),
    );
    const pieces = fc.array(piece.map(Buffer.from), { maxLength: 30 });
    fc.assert(
      fc.property(pieces, fc.option(fc.constant(1), { nil: undefined }), (all, program) => {
        const came = all.reduce((sum, { length }) => sum + length, 0);
        expect(read(all, program).bytes.length).toBeLessThanOrEqual(came);
      }),
      { numRuns: 500 },
    );
  });

  it('of a program that a PAT names and that is not there takes the clock of the next after two seconds', () => {
    const [absent, there] = [new TestStream({ program: 1 }), new TestStream({ program: 2 })];
    const told: string[] = [];
    const reader = new StreamReader({
      bytes: () => {},
      pcr: () => told.push('pcr'),
      loss: () => told.push('loss'),
    });
    for (let nowMs = 0; nowMs <= 2400; nowMs += 400) {
      const pat = there.tables([absent, there]);
      reader.push(Buffer.concat([pat, there.unit()]), 0, pat.length + 7 * TS_PACKET_BYTES, nowMs);
      if (nowMs < 2000) expect(told).toEqual([]);
    }
    expect(told).toEqual(['pcr', 'pcr']);
  });
});
