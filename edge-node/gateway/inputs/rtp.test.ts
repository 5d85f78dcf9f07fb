import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rtpPacket } from '../testing/test-stream.ts';
import { isRtp, RtpReceiver } from './rtp.ts';

/** What a receiver hands on: payloads by their first byte, and '!' where packets are missing. */
function rig() {
  const out: (number | '!')[] = [];
  const receiver = new RtpReceiver({
    bytes: (bytes, start) => out.push(bytes.readUInt8(start)),
    loss: () => out.push('!'),
  });
  return { out, receiver };
}

const numbered = (sequence: number, ssrc = 7): Buffer =>
  rtpPacket(Buffer.alloc(188, sequence & 0xff), { sequence, ssrc });

describe('RTP', () => {
  it('in any order within the window goes out in order, over the wrap of its sequence', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 65_535 }),
        fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 40, maxLength: 40 }),
        (first, delays) => {
          const { out, receiver } = rig();
          const arrivals = delays
            .map((delay, index) => ({ at: index + delay, index }))
            .sort((one, other) => one.at - other.at || one.index - other.index);
          for (const { index } of arrivals) receiver.push(numbered(first + index), 0);
          receiver.expire(1000);
          expect(out).toEqual(delays.map((_, index) => (first + index) & 0xff));
          expect([receiver.lostPackets, receiver.latePackets]).toEqual([0, 0]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('waits 50 ms for a missing packet, then tells of it', () => {
    const { out, receiver } = rig();
    for (const sequence of [10, 11]) receiver.push(numbered(sequence), 0);
    receiver.expire(20);
    for (const sequence of [13, 14]) receiver.push(numbered(sequence), 20);
    expect([out, receiver.dueMs]).toEqual([[10, 11], 70]);
    receiver.expire(70);
    expect(out).toEqual([10, 11, '!', 13, 14]);
    receiver.push(numbered(12), 71);
    expect([receiver.lostPackets, receiver.latePackets, out.length]).toEqual([1, 1, 5]);
  });

  it('of a sender that began again, at another sequence and as another one, goes on', () => {
    const { out, receiver } = rig();
    for (const sequence of [1, 2]) receiver.push(numbered(sequence), 0);
    receiver.expire(20);
    for (const sequence of [90, 91]) receiver.push(numbered(sequence, 8), 20);
    receiver.expire(50);
    expect(out).toEqual([1, 2, '!', 90, 91]);
    for (let step = 0; step < 6; step += 1) receiver.push(numbered(30_000 + step, 8), 60 + step);
    receiver.expire(200);
    expect(out.slice(5)).toEqual([
      '!',
      ...Array.from({ length: 6 }, (_, i) => (30_000 + i) & 0xff),
    ]);
  });

  it('is told from plain MPEG-TS and from what is neither', () => {
    expect(isRtp(rtpPacket(Buffer.alloc(10), { sequence: 1 }))).toBe(true);
    expect(isRtp(rtpPacket(Buffer.alloc(376, 0x47), { sequence: 1, type: 96 }))).toBe(true);
    expect(isRtp(rtpPacket(Buffer.alloc(100), { sequence: 1, type: 96 }))).toBe(false);
    expect(isRtp(Buffer.alloc(1316, 0x47))).toBe(false);
    expect(isRtp(Buffer.alloc(0))).toBe(false);
  });

  it('may hold anything: nothing throws', () => {
    const datagram = fc.uint8Array({ maxLength: 64 }).map((bytes) => {
      if (bytes.length > 1) bytes.set([0x80 | ((bytes[0] ?? 0) & 0x3f), 33]);
      return Buffer.from(bytes);
    });
    fc.assert(
      fc.property(fc.array(datagram, { maxLength: 40 }), (datagrams) => {
        const { receiver } = rig();
        for (const [index, bytes] of datagrams.entries()) {
          if (isRtp(bytes)) receiver.push(bytes, index);
        }
        receiver.expire(10_000);
      }),
      { numRuns: 1000 },
    );
  });
});
