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
    view.end = view.bytes.length;
    view.high = Number(sequence >> 32n);
    view.low = Number(sequence & 0xffff_ffffn);
    this.entries.push(view, nowMs);
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
});
