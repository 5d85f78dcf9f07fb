import type { ChannelId } from '../../shared/ids.ts';
import { CHANNEL_RATES_KEPT } from '../../shared/limits.ts';
import { ChannelMerge } from '../ordering/merging/channel-merge.ts';
import type { MergedSources } from '../ordering/merging/merged-sources.ts';
import type { PacketView } from '../ordering/packet-view.ts';
import { ReorderBuffer } from '../ordering/reorder-buffer.ts';
import type {
  ReorderCounters,
  ReorderLimits,
  ReorderOutput,
} from '../ordering/reorder-contract.ts';
import type { Sequence } from '../ordering/sequence.ts';
import { ChannelLog, type ChannelLogLimits } from './channel-log.ts';
import type { SourceChannel } from './channel-table.ts';
import type { LogBudget } from './log-budget.ts';
import type { RunLimits } from './run.ts';
import { SecondsRate } from './seconds-rate.ts';

/** Who wants a channel's runs: a user's session. */
export interface Watcher {
  /** The channel that it waited for is there now; no packet of it has been handed on yet. */
  attach(channel: Channel): void;
  /** Runs may have closed. At most one write follows per call, which began at `nowMs`. */
  advance(nowMs: number): void;
  /** Ends, if its write under way holds this run of its channel: the memory is needed. */
  letGoOf(run: number): void;
}

/** What a channel tells its directory about itself. */
export interface ChannelEvents {
  /** The open run lingers from now on. */
  runLingers(channel: Channel): void;
  /** Runs have closed: watchers are to advance in the next round. Its end is told by `roundEnded`. */
  runsClosed(channel: Channel): void;
  /** The memory of all channels is exceeded: some is to be freed, within this turn of the event loop. */
  memoryShort(): void;
  /** The reorder buffer keeps packets: `expire` is to be called at `dueMs`. */
  packetsWait(channel: Channel): void;
  /** The seconds that the channel counts cannot be right any more. */
  secondsOff(channel: Channel): void;
}

interface ChannelParts {
  readonly id: ChannelId;
  /** Where it begins, if that is known: it does not settle. */
  readonly first?: Sequence | undefined;
  readonly reorder: ReorderLimits;
  readonly log: ChannelLogLimits;
  readonly run: RunLimits;
  readonly budget: LogBudget;
  /** The sources whose packets are merged; undefined where there is but one. */
  readonly sources: MergedSources | undefined;
  readonly packetDurationMs: number;
  readonly events: ChannelEvents;
  readonly nowMs: number;
}

/** One channel: its packets' order, its log, and who watches it. Time is monotonic milliseconds. */
export class Channel implements ReorderOutput, SourceChannel {
  readonly id: ChannelId;
  readonly log: ChannelLog;
  readonly watchers = new Set<Watcher>();
  /** The keys in headers that lead here, one for each way in which the source has padded the id. */
  readonly keys = new Set<number>();
  readonly sinceMs: number;
  readonly secondsRate: SecondsRate;
  /** Packets without payload among those ordered. */
  #emptyPackets = 0;
  #deliveredPackets = 0;
  #deliveredBytes = 0;
  #skippedPackets = 0;
  /** Packets received in the last second. */
  packetsPerSecond = 0;
  /** The same of each of the last seconds, the newest last. */
  readonly rates: number[] = [];
  /** When a packet last came or a watcher last left. */
  usedMs: number;
  readonly #reorder: ReorderBuffer;
  readonly #merge: ChannelMerge | undefined;
  readonly #budget: LogBudget;
  readonly #events: ChannelEvents;
  #heldBytes = 0;
  /** Runs have closed that not all watchers have had their turn to be sent. */
  #isInRound = false;
  #roundEndedMs = Number.NEGATIVE_INFINITY;
  #nowMs: number;
  #measuredMs: number;
  #measuredPackets = 0;

  constructor(parts: ChannelParts) {
    const { id, first, reorder, log, run, budget, sources, events, nowMs } = parts;
    this.id = id;
    this.log = new ChannelLog(log, run, budget, (index) => {
      for (const watcher of this.watchers) watcher.letGoOf(index);
    });
    this.sinceMs = nowMs;
    this.usedMs = nowMs;
    this.#reorder = new ReorderBuffer(reorder, this);
    if (first !== undefined) this.#reorder.begin(first);
    this.#merge = sources && new ChannelMerge(this.#reorder, reorder, sources);
    this.secondsRate = new SecondsRate(parts.packetDurationMs, nowMs);
    this.#budget = budget;
    this.#events = events;
    this.#nowMs = nowMs;
    this.#measuredMs = nowMs;
  }

  get counters(): ReorderCounters & { readonly duplicates: number } {
    const counters = this.#reorder.counters;
    if (this.#merge === undefined) return { ...counters, duplicates: 0 };
    const { duplicates, disagreeing, late } = this.#merge;
    const received = counters.received + duplicates + disagreeing + late;
    return { ...counters, received, late: counters.late + late, duplicates };
  }

  /** Packets that the kernels of users have taken: the sum over all its users, ever. */
  get deliveredPackets(): number {
    return this.#deliveredPackets;
  }

  get deliveredBytes(): number {
    return this.#deliveredBytes;
  }

  get skippedPackets(): number {
    return this.#skippedPackets;
  }

  /** The part of the ordered packets that carry nothing, 0 to 1. They are billed as any other. */
  get emptyShare(): number {
    const { ordered } = this.counters;
    return ordered === 0 ? 0 : this.#emptyPackets / ordered;
  }

  get heldPackets(): number {
    return this.#reorder.heldPackets;
  }

  get dueMs(): number {
    return this.#reorder.dueMs;
  }

  push(packet: PacketView): void {
    this.#nowMs = packet.arrivedMs;
    this.usedMs = packet.arrivedMs;
    if (this.#merge === undefined) this.#reorder.push(packet);
    else this.#merge.push(packet);
    this.#settleAccount();
  }

  /** Gives up gaps that have waited too long. */
  expire(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#reorder.expire(nowMs);
    this.#settleAccount();
  }

  /**
   * Nothing older will come: what lies before `ordered` and is missing is lost. Where that is not known and nothing has
   * been handed on yet, the lowest packet begins.
   */
  settle(ordered: Sequence | undefined): void {
    if (ordered !== undefined) this.#reorder.giveUpBefore(ordered);
    else if (this.counters.ordered === 0 && this.heldPackets > 0) {
      this.#reorder.expire(this.#reorder.dueMs);
    }
    this.#settleAccount();
  }

  /** A new connection to a source begins. */
  sourceConnected(source: number, nowMs: number): void {
    if (this.#merge === undefined) this.#reorder.sourceConnected();
    else this.#merge.sourceConnected(source, nowMs);
  }

  /** The sources that brought nothing since the last call but what does not fit the others. */
  takeDisagreeing(): readonly number[] {
    return this.#merge?.takeDisagreeing() ?? [];
  }

  /** Takes the next packet in order, from the reorder buffer. */
  deliver(packet: PacketView): void {
    if (packet.payloadBytes === 0) this.#emptyPackets += 1;
    const wasOpen = this.log.openedMs !== undefined;
    const hasClosed = this.log.append(packet, this.#nowMs);
    if (hasClosed) this.#runsClosed();
    const isOpen = this.log.openedMs !== undefined;
    if (isOpen && !wasOpen && !this.#isInRound) this.#events.runLingers(this);
  }

  /**
   * Since when the open run lingers, if it does. While watchers are sent the runs before, it could reach nobody: it
   * gathers packets, and its linger begins at the round's end. So writing to however many users leaves the loop time.
   */
  get lingersFromMs(): number | undefined {
    const { openedMs } = this.log;
    if (openedMs === undefined || this.#isInRound) return undefined;
    return Math.max(openedMs, this.#roundEndedMs);
  }

  /** The open run has waited long enough. */
  closeRun(nowMs: number): void {
    this.log.closeRun(nowMs);
    this.#runsClosed();
  }

  /** All watchers have had their turn. */
  roundEnded(nowMs: number): void {
    this.#isInRound = false;
    this.#roundEndedMs = nowMs;
    if (this.log.openedMs !== undefined) this.#events.runLingers(this);
  }

  /** A user's kernel has taken packets. */
  delivered(packets: number, bytes: number): void {
    this.#deliveredPackets += packets;
    this.#deliveredBytes += bytes;
  }

  /** Packets were skipped for a user who was too slow. */
  skipped(packets: number): void {
    this.#skippedPackets += packets;
  }

  /** Lets old runs go and measures the rate. Call it every second. */
  sweep(nowMs: number): void {
    this.log.trim(nowMs);
    const { received, ordered } = this.counters;
    const wasOff = this.secondsRate.isOff;
    this.secondsRate.observe(ordered, nowMs);
    if (this.secondsRate.isOff && !wasOff) this.#events.secondsOff(this);
    const seconds = (nowMs - this.#measuredMs) / 1000;
    if (seconds > 0) this.packetsPerSecond = (received - this.#measuredPackets) / seconds;
    if (this.rates.push(this.packetsPerSecond) > CHANNEL_RATES_KEPT) this.rates.shift();
    this.#measuredPackets = received;
    this.#measuredMs = nowMs;
  }

  /** Memory of what waits out of order. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** For how long no packet has come and nobody has watched. */
  idleMs(nowMs: number): number {
    return this.watchers.size > 0 ? 0 : nowMs - this.usedMs;
  }

  /** Hands on all that waits out of order, and drops strays: the memory is needed. */
  handOnHeld(): void {
    this.#reorder.handOnAll();
    this.#accountHeld();
  }

  /** Gives all memory back; the channel is forgotten. */
  clear(nowMs: number): void {
    this.handOnHeld();
    this.log.clear(nowMs);
  }

  #runsClosed(): void {
    this.#isInRound = true;
    this.#events.runsClosed(this);
  }

  #settleAccount(): void {
    this.#accountHeld();
    if (this.#budget.isExceeded) this.#events.memoryShort();
    if (this.#heldBytes > 0) this.#events.packetsWait(this);
  }

  #accountHeld(): void {
    const heldBytes = this.#reorder.heldBytes;
    if (heldBytes === this.#heldBytes) return;
    this.#budget.hold(heldBytes - this.#heldBytes);
    this.#heldBytes = heldBytes;
  }
}
