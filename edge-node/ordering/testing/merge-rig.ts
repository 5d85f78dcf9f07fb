import { ChannelMerge } from '../merging/channel-merge.ts';
import { MergedSources } from '../merging/merged-sources.ts';
import { ReorderBuffer } from '../reorder-buffer.ts';
import { packetOf, payloadOf } from './packets.ts';

const LIMITS = { maxPackets: 1024, maxBytes: 2 ** 22, deadlineMs: 1000, settleMs: 200 };

/** A channel's merge and its reorder buffer, under a clock of their own. A payload is what the test says it is. */
export class MergeRig {
  readonly sources: MergedSources;
  readonly reorder: ReorderBuffer;
  readonly merge: ChannelMerge;
  /** The payloads delivered, in order. */
  readonly delivered: string[] = [];
  #nowMs = 0;

  constructor(sources = 2) {
    const names = Array.from({ length: sources }, (_, source) => `source-${source}`);
    const merged = MergedSources.of(names);
    if (merged === undefined) throw new Error('a merge has several sources');
    this.sources = merged;
    this.reorder = new ReorderBuffer(LIMITS, {
      deliver: (packet) => this.delivered.push(payloadOf(packet).toString()),
    });
    this.merge = new ChannelMerge(this.reorder, LIMITS, merged);
    for (const source of names.keys()) this.connect(source);
  }

  connect(source: number): void {
    this.sources.connected(source);
    this.merge.sourceConnected(source, this.#nowMs);
  }

  lose(source: number): void {
    this.sources.lost(source);
  }

  /** Time goes on; what has waited too long is given up. */
  at(nowMs: number): void {
    this.#nowMs = nowMs;
    this.reorder.expire(nowMs);
  }

  bring(source: number, sequence: number | bigint, payload = String(sequence)): void {
    const packet = packetOf(Buffer.from(payload), BigInt(sequence), this.#nowMs);
    packet.source = source;
    this.merge.push(packet);
  }
}
