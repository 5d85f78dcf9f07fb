import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { payloadOf } from '../ordering/testing/packets.ts';
import { FramingLostError, PacketDecoder } from './packet-decoder.ts';

const MAX_PAYLOAD_BYTES = 1500;

interface Packet {
  readonly channel: string;
  readonly sequence: bigint;
  readonly payload: Buffer;
}

/** A wire image written by hand, byte by byte, so that it does not share a mistake with the code under test. */
function wire({ channel, sequence, payload }: Packet): Buffer {
  const bytes = Buffer.alloc(23 + payload.length);
  bytes.write('\x01\x02\x03\x04\x05', 0, 'latin1');
  bytes.write(channel, 5, 6, 'latin1');
  for (let i = 0; i < 8; i += 1) bytes[11 + i] = Number((sequence >> BigInt(56 - 8 * i)) & 0xffn);
  for (let i = 0; i < 4; i += 1) bytes[19 + i] = (payload.length >>> (24 - 8 * i)) & 0xff;
  payload.copy(bytes, 23);
  return bytes;
}

function keyOf(channel: string): number {
  return Buffer.from(channel.padEnd(6, '\0'), 'latin1').reduce((key, byte) => key * 256 + byte, 0);
}

/** What a decoder says, as values of our own: nothing here looks into a chunk after push has returned. */
class Recorder {
  readonly seen: string[] = [];
  readonly decoder: PacketDecoder;

  constructor(maxPayloadBytes = MAX_PAYLOAD_BYTES) {
    this.decoder = new PacketDecoder(maxPayloadBytes, {
      packet: (key, packet) => {
        const sequence = (BigInt(packet.high) << 32n) | BigInt(packet.low);
        this.seen.push(describePacket(key, sequence, payloadOf(packet)));
        return true;
      },
    });
  }

  /** As a socket with a reused read buffer does: the chunk is gone when push returns. */
  push(bytes: Buffer): void {
    const chunk = Buffer.concat([Buffer.alloc(3, 0xee), bytes, Buffer.alloc(3, 0xee)]);
    try {
      this.decoder.push(chunk.subarray(3, 3 + bytes.length), 0);
    } finally {
      chunk.fill(0xdd);
    }
  }
}

function describePacket(key: number, sequence: bigint, payload: Buffer): string {
  return `${key}/${sequence}/${payload.toString('hex')}`;
}

function expected(packets: readonly Packet[]): string[] {
  return packets.map((p) => describePacket(keyOf(p.channel), p.sequence, p.payload));
}

function filled(length: number, seed = 7): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff));
}

const SAMPLE: readonly Packet[] = [
  { channel: 'zato01', sequence: 0n, payload: filled(5) },
  { channel: 'z', sequence: 2n ** 32n - 1n, payload: Buffer.alloc(0) },
  { channel: 'zato02', sequence: 2n ** 53n + 1n, payload: filled(40) },
  { channel: 'ab    ', sequence: 2n ** 64n - 1n, payload: filled(1) },
];

const packets = fc.array(
  fc.record({
    channel: fc.stringMatching(/^[!-~]{1,6}$/),
    sequence: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    payload: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  }),
  { minLength: 1, maxLength: 12 },
);

describe('bytes cut anywhere', () => {
  const bytes = Buffer.concat(SAMPLE.map(wire));

  it('gives the same packets when two chunks meet at any byte', () => {
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const recorder = new Recorder();
      recorder.push(bytes.subarray(0, cut));
      recorder.push(bytes.subarray(cut));
      expect(recorder.seen, `cut at ${cut}`).toEqual(expected(SAMPLE));
    }
  });

  it('gives the same packets when three chunks meet at any two bytes', () => {
    const short = Buffer.concat(SAMPLE.slice(0, 2).map(wire));
    for (let first = 0; first <= short.length; first += 1) {
      for (let second = first; second <= short.length; second += 1) {
        const recorder = new Recorder();
        recorder.push(short.subarray(0, first));
        recorder.push(short.subarray(first, second));
        recorder.push(short.subarray(second));
        expect(recorder.seen, `cuts at ${first}, ${second}`).toEqual(expected(SAMPLE.slice(0, 2)));
      }
    }
  });

  it('gives the same packets one byte at a time, each as soon as its last byte is there', () => {
    const recorder = new Recorder();
    const ends: number[] = [];
    for (const [at, byte] of bytes.entries()) {
      const before = recorder.seen.length;
      recorder.push(Buffer.of(byte));
      if (recorder.seen.length > before) ends.push(at + 1);
    }
    expect(recorder.seen).toEqual(expected(SAMPLE));
    let end = 0;
    expect(ends).toEqual(SAMPLE.map((packet) => (end += wire(packet).length)));
  });

  it('gives the same packets under random cuts, with the read buffer reused', () => {
    fc.assert(
      fc.property(packets, fc.array(fc.nat({ max: 90 }), { maxLength: 40 }), (given, lengths) => {
        const recorder = new Recorder();
        let rest = Buffer.concat(given.map(wire));
        for (const length of lengths) {
          recorder.push(rest.subarray(0, length));
          rest = rest.subarray(length);
        }
        recorder.push(rest);
        expect(recorder.seen).toEqual(expected(given));
      }),
      { numRuns: 300 },
    );
  });

  it('gives packets of many reads whole, a small one of one read between them', () => {
    const given = [70_000, 3, 5_000, 4_096, 0, 200_000].map((length, i) => ({
      channel: 'zato01',
      sequence: BigInt(i),
      payload: filled(length, i),
    }));
    const bytes = Buffer.concat(given.map(wire));
    for (const read of [1000, 4095, 4096, 4097, 65_536]) {
      const recorder = new Recorder(200_000);
      for (let at = 0; at < bytes.length; at += read) recorder.push(bytes.subarray(at, at + read));
      expect(recorder.seen, `reads of ${read}`).toEqual(expected(given));
    }
  });

  it('takes an empty chunk for nothing', () => {
    const recorder = new Recorder();
    recorder.push(bytes.subarray(0, 30));
    recorder.push(Buffer.alloc(0));
    recorder.push(bytes.subarray(30));
    expect(recorder.seen).toEqual(expected(SAMPLE));
  });
});

describe('many packets in one chunk', () => {
  const many = Array.from({ length: 2000 }, (_, i) => ({
    channel: `c${i % 7}`,
    sequence: BigInt(i),
    payload: filled(i % 50, i),
  }));

  it('gives all of them, in the order of the wire', () => {
    const recorder = new Recorder();
    recorder.push(Buffer.concat(many.map(wire)));
    expect(recorder.seen).toEqual(expected(many));
  });

  it('gives all that are whole at once and the rest with the next chunk', () => {
    const recorder = new Recorder();
    const all = Buffer.concat(many.map(wire));
    const last = wire(many[many.length - 1]!).length;
    recorder.push(all.subarray(0, all.length - last + 10));
    expect(recorder.seen).toHaveLength(many.length - 1);
    recorder.push(all.subarray(all.length - last + 10));
    expect(recorder.seen).toEqual(expected(many));
  });
});

describe('payload length', () => {
  const small: Packet = { channel: 'zato01', sequence: 1n, payload: filled(9) };
  const header = (length: number): Buffer => {
    const bytes = wire({ channel: 'zato01', sequence: 2n, payload: Buffer.alloc(0) });
    bytes.writeUInt32BE(length, 19);
    return bytes;
  };

  it.each([0, 1, MAX_PAYLOAD_BYTES - 1, MAX_PAYLOAD_BYTES])(
    'takes %i bytes, whole and one byte at a time',
    (length) => {
      const given = [{ channel: 'zato01', sequence: 5n, payload: filled(length) }, small];
      const whole = new Recorder();
      whole.push(Buffer.concat(given.map(wire)));
      const bytewise = new Recorder();
      for (const byte of Buffer.concat(given.map(wire))) bytewise.push(Buffer.of(byte));
      expect(whole.seen).toEqual(expected(given));
      expect(bytewise.seen).toEqual(expected(given));
    },
  );

  it('gives a zero-length packet with its header, without waiting for what follows', () => {
    const recorder = new Recorder();
    recorder.push(header(0));
    expect(recorder.seen).toHaveLength(1);
  });

  it.each([MAX_PAYLOAD_BYTES + 1, 2 ** 31, 2 ** 32 - 1])(
    'loses framing at %i bytes, as soon as the header is whole',
    (length) => {
      const recorder = new Recorder();
      recorder.push(header(length).subarray(0, 22));
      expect(() => recorder.push(header(length).subarray(22))).toThrow(FramingLostError);
      expect(recorder.seen).toEqual([]);
    },
  );

  it('gives the packets before a bad length in the same chunk, and none after it', () => {
    const recorder = new Recorder();
    const bad = Buffer.concat([header(2 ** 32 - 1), filled(100)]);
    const chunk = Buffer.concat([wire(small), wire(small), bad, wire(small)]);
    expect(() => recorder.push(chunk)).toThrow(FramingLostError);
    expect(recorder.seen).toEqual(expected([small, small]));
  });
});

describe('channel keys', () => {
  it('keeps all six bytes apart, whatever they are', () => {
    const channel = fc.uint8Array({ minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(channel, (bytes) => {
        const name = Buffer.from(bytes).toString('latin1');
        const given = [{ channel: name, sequence: 3n, payload: filled(2) }];
        const recorder = new Recorder();
        recorder.push(wire(given[0]!));
        expect(recorder.seen).toEqual(expected(given));
      }),
      { numRuns: 200 },
    );
  });
});

describe('sequences', () => {
  it.each([
    0n,
    1n,
    2n ** 31n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 53n + 1n,
    2n ** 63n,
    2n ** 64n - 1n,
  ])('gives %i exactly, in two unsigned halves', (sequence) => {
    const halves: number[] = [];
    const decoder = new PacketDecoder(MAX_PAYLOAD_BYTES, {
      packet: (_key, { high, low }) => halves.push(high, low) > 0,
    });
    decoder.push(wire({ channel: 'zato01', sequence, payload: filled(1) }), 0);
    expect(halves).toEqual([Number(sequence >> 32n), Number(sequence & 0xffff_ffffn)]);
  });
});
