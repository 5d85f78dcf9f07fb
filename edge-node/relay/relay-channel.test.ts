import { describe, expect, it } from 'vitest';
import type { ChannelId } from '../../shared/ids.ts';
import { RUN_MAX_BYTES } from '../../shared/limits.ts';
import { LogBudget } from '../channels/log-budget.ts';
import { RunLimits } from '../channels/run.ts';
import { h264Key, h264Picture, nothing, TestStream } from '../mpeg-ts/testing/mpeg-ts-rig.ts';
import { PacketView } from '../ordering/packet-view.ts';
import { encodePacket, HEADER_BYTES, SEQUENCE_OFFSET } from '../source/packet.ts';
import { RelayChannel } from './relay-channel.ts';

const PACKET_MS = 20;

/** A channel of a relay, and what a newcomer is sent of it. */
class Rig {
  readonly to = new TestStream();
  readonly channel: RelayChannel;
  nowMs = 0;

  constructor(maxBytes = 2 ** 23) {
    this.channel = new RelayChannel({
      id: 'zato01' as ChannelId,
      subject: 'streaming.channels.x',
      log: { maxBytes, maxMs: 5_000, entryMaxAgeMs: 15_000 },
      reorder: { maxPackets: 1024, maxBytes: 2 ** 22, deadlineMs: 1_000, settleMs: 1 },
      run: new RunLimits(Number.POSITIVE_INFINITY, 5),
      budget: new LogBudget(2 ** 30),
      sources: undefined,
      publish: () => {},
      nowMs: 0,
    });
  }

  get group(): Buffer[] {
    const { to } = this;
    const pictures = Array.from({ length: 8 }, () => to.video(h264Picture));
    const tables = Buffer.concat([to.pat(), to.pmt()]);
    return [tables, ...pictures, to.video(h264Key), to.video(h264Picture), nothing];
  }

  push(first: number, payloads: readonly Buffer[]): void {
    for (const [i, payload] of payloads.entries()) {
      const view = new PacketView();
      view.bytes = encodePacket('zato01', BigInt(first + i), payload);
      view.start = HEADER_BYTES;
      view.end = view.bytes.length;
      view.low = first + i;
      view.arrivedMs = this.nowMs;
      this.channel.push(view);
      this.nowMs += PACKET_MS;
    }
  }

  closeRun(): void {
    this.channel.closeRun(this.nowMs);
  }

  /** The sequences that a newcomer is sent who begins at an entry point, and what it is told of them. */
  newcomer() {
    const { run, beginning } = this.channel.backlog(this.nowMs, true);
    const sequences: number[] = [];
    for (let index = run; index < this.channel.log.endRun; index += 1) {
      const bytes = this.channel.log.closedRun(index)?.bytes ?? Buffer.alloc(0);
      for (let at = 0; at < bytes.length; ) {
        sequences.push(Number(bytes.readBigUInt64BE(at + SEQUENCE_OFFSET)));
        at += HEADER_BYTES + bytes.readUInt16BE(at + HEADER_BYTES - 2);
      }
    }
    return { sequences, first: beginning?.first.low, ordered: beginning?.ordered.low };
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

describe('the backlog of a newcomer who begins at an entry point', () => {
  it('holds what has come so far, though its run would linger', () => {
    const rig = new Rig();
    rig.push(5_000, [nothing, ...rig.group]);
    rig.closeRun();
    rig.push(5_013, rig.group);
    const { sequences, first, ordered } = rig.newcomer();
    expect([first, ordered]).toEqual([5_000, 5_025]);
    expect(sequences).toEqual(range(5_000, 5_025));
  });

  it.each([
    ['forward', 9_000_000],
    ['back', 3_000],
  ])('leaves nothing out of what came since the source jumped %s', (_, jumpTo) => {
    const rig = new Rig();
    rig.push(500_000, [nothing, ...rig.group, ...rig.group]);
    rig.push(
      jumpTo,
      Array.from({ length: 40 }, () => rig.to.video(h264Picture)),
    );
    const { sequences, first, ordered } = rig.newcomer();
    expect(ordered).toBe(jumpTo + 40);
    expect(range(jumpTo, jumpTo + 41)).toContain(first);
    for (const sequence of range(first ?? 0, jumpTo + 40)) expect(sequences).toContain(sequence);
  });

  it('begins live where the log has let its entry point go', () => {
    const rig = new Rig(2 * RUN_MAX_BYTES);
    rig.push(5_000, [nothing, ...rig.group]);
    rig.push(
      5_013,
      Array.from({ length: 600 }, () => rig.to.video(h264Picture)),
    );
    const { first } = rig.newcomer();
    expect(rig.channel.log.firstRun).toBeGreaterThan(0);
    expect(first).toBe(5_613);
  });
});
