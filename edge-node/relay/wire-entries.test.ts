import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { h264Key, h264Picture, nothing, TestStream } from '../mpeg-ts/testing/mpeg-ts-rig.ts';
import { PacketView } from '../ordering/packet-view.ts';
import { encodePacket, HEADER_BYTES } from '../source/packet.ts';
import { WireEntries } from './wire-entries.ts';

const REORDER = { maxPackets: 1024, maxBytes: 2 ** 22, deadlineMs: 1000, settleMs: 1 };

/** Packets that are pushed as they lie in a log: with their headers. */
class Log {
  readonly entries = new WireEntries(REORDER, 15_000);
  bytes = 0;

  push(sequence: bigint, payload: Buffer, nowMs: number): void {
    const view = new PacketView();
    view.bytes = encodePacket('zato01', sequence, payload);
    view.start = HEADER_BYTES;
    view.end = view.bytes.length;
    view.high = Number(sequence >> 32n);
    view.low = Number(sequence & 0xffff_ffffn);
    view.arrivedMs = nowMs;
    expect(this.entries.take(view)).toBe(true);
    view.start = 0;
    this.entries.push(view);
    this.bytes += view.end;
  }
}

function second(to: TestStream): Buffer[] {
  const pictures = Array.from({ length: 8 }, () => to.video(h264Picture));
  return [
    Buffer.concat([to.pat(), to.pmt()]),
    ...pictures,
    to.video(h264Key),
    to.video(h264Picture),
    nothing,
  ];
}

describe('the backlog of a newcomer', () => {
  it('begins with what came REORDER_DEADLINE_MS before the newest key picture', () => {
    const log = new Log();
    const to = new TestStream();
    let sequence = 5_000n;
    let nowMs = 0;
    const play = (payloads: readonly Buffer[]) => {
      for (const payload of payloads) {
        log.push(sequence, payload, nowMs);
        sequence += 1n;
        nowMs += 20;
      }
    };
    play([nothing]);
    nowMs = 100;
    play(second(to));
    expect(log.entries.isTransportStream).toBe(true);
    expect(log.entries.newestWhole(nowMs)?.at).toBe(0);
    // Nothing but filling for longer than the deadline: none of it belongs to the next one's backlog.
    play(Array.from({ length: 200 }, () => nothing));
    const filled = log.bytes;
    play(second(to));
    const at = log.entries.newestWhole(nowMs)?.at ?? Number.NaN;
    const ago = Math.round((filled - at) / (HEADER_BYTES + nothing.length));
    expect(ago).toBeGreaterThanOrEqual(50 - second(to).length - 3);
    expect(ago).toBeLessThanOrEqual(50);
  });

  it('is a sequence and the place from which on nothing is left out that does not come before it', () => {
    const order = fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], { minLength: 10 });
    fc.assert(
      fc.property(fc.array(order, { minLength: 3, maxLength: 8 }), fc.nat(), (blocks, cut) => {
        const log = new Log();
        const sent = blocks.flatMap((block, i) => block.map((at) => 5_000 + 10 * i + at));
        const first = 4_999;
        log.push(BigInt(first), nothing, 0);
        let nowMs = 2;
        const before = 1 + (cut % sent.length);
        for (const sequence of sent.slice(0, before)) {
          nowMs += 7;
          log.push(BigInt(sequence), nothing, nowMs);
        }
        log.entries.catchUp(nowMs);
        const start = log.entries.backlogStart(nowMs, false);
        const from = Math.floor(start.at / (HEADER_BYTES + nothing.length));
        const leftOut = [first, ...sent].slice(0, from);
        expect(start.first).toBeDefined();
        for (const sequence of leftOut) expect(sequence).toBeLessThan(start.first?.low ?? 0);
      }),
    );
  });

  it('does not reach into what a source sent before it jumped', () => {
    const log = new Log();
    let nowMs = 0;
    const play = (from: number, count: number) => {
      for (let i = 0; i < count; i += 1) {
        log.push(BigInt(from + i), nothing, nowMs);
        nowMs += 1;
      }
    };
    play(500_000, 100);
    const before = log.bytes;
    play(3_000, 4);
    expect(log.entries.backlogStart(nowMs, true)).toMatchObject({ first: { low: 500_100 } });
    play(3_004, 20);
    expect(log.entries.backlogStart(nowMs, true).at).toBeGreaterThanOrEqual(before);
    expect(log.entries.ordered).toMatchObject({ high: 0, low: 3_024 });
  });
});
