import type { PacketView } from '../packet-view.ts';
import type { ReorderBuffer } from '../reorder-buffer.ts';
import type { ReorderLimits } from '../reorder-contract.ts';
import { BroughtBy } from './brought-by.ts';
import type { MergedSources, SourceCounts } from './merged-sources.ts';

/** While a source has brought a channel's packets within this time, others cannot make the channel jump. */
const SOURCE_HOLD_MS = 5_000;
/** When the source that was ahead is lost, a channel waits so long for one that lags behind it to catch up. */
const SOURCE_LAG_MAX_MS = 30_000;

/** What a channel knows of one of its sources. */
interface Track {
  readonly counts: SourceCounts;
  /** When its newest packet came, and whether that lay near where the channel is. */
  packetMs: number;
  isNear: boolean;
  /** Packets since the last look at them: near, and left out. */
  agreed: number;
  leftOut: number;
}

const NEVER = Number.NEGATIVE_INFINITY;

/**
 * Merges the packets that several sources bring of one channel, as SMPTE ST 2022-7 does it: each goes on once, by its
 * sequence, from whichever source brings it first. Pure, as the reorder buffer behind it, which alone decides where the
 * channel is. Here is decided what it may conclude from a source when there are others:
 *
 * - A packet that is behind proves no restart where another source is ahead: its source lags, and catches up. Should that
 *   one be lost, the channel waits for the other, up to SOURCE_LAG_MAX_MS. So a packet is never delivered twice.
 * - A source holds the channel where it is while it is connected and its newest packet lay near, for SOURCE_HOLD_MS. What
 *   others bring from far away is left out meanwhile: they disagree. Once all have gone elsewhere, that is a jump.
 * - A new connection is one for the channel only where no other source holds it.
 */
export class ChannelMerge {
  readonly #reorder: ReorderBuffer;
  readonly #sources: MergedSources;
  readonly #deadlineMs: number;
  readonly #tracks: readonly Track[];
  readonly #broughtBy: BroughtBy;
  #epochs = 0;
  /** The source that brought the newest packet of the window, and when. */
  #ahead = -1;
  #aheadMs = NEVER;
  /** The source that is ahead has connected anew, alone, and may have started again. */
  #isNew = false;
  /** Packets dropped here: that another source had brought, that came too late or again, and that fit no other source. */
  duplicates = 0;
  late = 0;
  disagreeing = 0;

  constructor(reorder: ReorderBuffer, limits: ReorderLimits, sources: MergedSources) {
    this.#reorder = reorder;
    this.#sources = sources;
    this.#deadlineMs = limits.deadlineMs;
    this.#tracks = sources.counts.map((counts) => {
      return { counts, packetMs: NEVER, isNear: false, agreed: 0, leftOut: 0 };
    });
    this.#broughtBy = new BroughtBy(3 * limits.maxPackets, (source) => {
      const track = this.#tracks[source];
      if (track !== undefined) track.counts.only += 1;
    });
  }

  /** @returns whether it went on to be put in order; else another source has brought it, or it fits none */
  push(packet: PacketView): boolean {
    const track = this.#tracks[packet.source];
    if (track === undefined) return false;
    const place = this.#reorder.placeOf(packet);
    track.packetMs = packet.arrivedMs;
    track.isNear = place !== 'far';
    if (track.isNear) track.agreed += 1;
    if (place === 'window') return this.#pushNew(track, packet);
    if (place === 'behind') return this.#pushBehind(track, packet);
    return this.#pushFar(track, packet);
  }

  /** A new connection to a source begins. */
  sourceConnected(source: number, nowMs: number): void {
    const track = this.#tracks[source];
    if (track !== undefined) track.isNear = false;
    if (this.#isHeldByOther(source, nowMs)) return;
    this.#ahead = source;
    this.#isNew = true;
    this.#reorder.sourceConnected();
  }

  /** The sources that brought nothing since the last call but what had to be left out. */
  takeDisagreeing(): number[] {
    const disagreeing: number[] = [];
    for (const [source, track] of this.#tracks.entries()) {
      if (track.leftOut > 0 && track.agreed === 0) disagreeing.push(source);
      track.leftOut = 0;
      track.agreed = 0;
    }
    return disagreeing;
  }

  #pushNew(track: Track, packet: PacketView): boolean {
    const others = this.#noteOthers(packet);
    if (this.#reorder.holds(packet)) {
      this.#repeated(track, packet, others);
      return false;
    }
    this.#ahead = packet.source;
    this.#aheadMs = packet.arrivedMs;
    this.#isNew = false;
    this.#reorder.push(packet);
    return true;
  }

  #pushBehind(track: Track, packet: PacketView): boolean {
    const others = this.#noteOthers(packet);
    if (!this.#mayProveRestart(packet)) {
      this.#repeated(track, packet, others);
      return false;
    }
    this.#reorder.push(packet);
    return true;
  }

  #pushFar(track: Track, packet: PacketView): boolean {
    if (!this.#isHeldByOther(packet.source, packet.arrivedMs)) {
      this.#reorder.push(packet);
      return true;
    }
    track.leftOut += 1;
    track.counts.disagreeing += 1;
    this.disagreeing += 1;
    return false;
  }

  /** Drops what is there, or was: as a duplicate where another source has brought it, else as late. */
  #repeated(track: Track, packet: PacketView, others: number): void {
    this.#reorder.comesAgain(packet);
    if (others === 0) {
      this.late += 1;
      return;
    }
    track.counts.duplicates += 1;
    this.duplicates += 1;
  }

  /** Notes who brings it, and returns the bits of the other sources that had. */
  #noteOthers({ high, low, source }: PacketView): number {
    const { epochs } = this.#reorder;
    if (epochs !== this.#epochs) {
      this.#epochs = epochs;
      this.#broughtBy.clear();
    }
    return this.#broughtBy.note(high, low, source) & ~(1 << source);
  }

  #mayProveRestart({ source, arrivedMs }: PacketView): boolean {
    const waitedMs = arrivedMs - this.#aheadMs;
    if (source !== this.#ahead) return waitedMs >= SOURCE_LAG_MAX_MS;
    return this.#isNew || waitedMs >= this.#deadlineMs;
  }

  #isHeldByOther(source: number, nowMs: number): boolean {
    for (const [other, { isNear, packetMs }] of this.#tracks.entries()) {
      if (other === source || !isNear || nowMs - packetMs > SOURCE_HOLD_MS) continue;
      if (this.#sources.isConnected(other)) return true;
    }
    return false;
  }
}
