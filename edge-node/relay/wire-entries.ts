import type { Entries, EntryPoint } from '../channels/entry-points.ts';
import { EntryPoints } from '../channels/entry-points.ts';
import { ChannelMerge } from '../ordering/merging/channel-merge.ts';
import type { MergedSources } from '../ordering/merging/merged-sources.ts';
import type { PacketView } from '../ordering/packet-view.ts';
import { ReorderBuffer } from '../ordering/reorder-buffer.ts';
import type { ReorderLimits, ReorderOutput } from '../ordering/reorder-contract.ts';
import type { Sequence } from '../ordering/sequence.ts';

const NO_TABLES = Buffer.alloc(0);
/** How finely it is remembered how far log and order were at which time. */
const MARK_MS = 50;

/** Where a backlog begins: all packets of its epoch from the sequence `first` on lie from this place in the log on. */
export interface BacklogStart {
  readonly at: number;
  /** Undefined while an epoch settles: then all of it lies there. */
  readonly first: Sequence | undefined;
}

/** How things were at a time. */
interface Mark extends BacklogStart {
  readonly ms: number;
  /** Bytes of the log by then. */
  readonly logAt: number;
}

/** An entry point as it was found, and where its backlog begins. */
class Place {
  #foundAt: number | undefined;
  #start: BacklogStart | undefined;

  /** @returns undefined where this epoch has no entry; `start` is taken for one that is new */
  of(entry: EntryPoint | undefined, start: BacklogStart): BacklogStart | undefined {
    if (entry === undefined) return undefined;
    if (entry.at !== this.#foundAt) {
      this.#foundAt = entry.at;
      this.#start = start;
    }
    return this.#start;
  }

  /** The entry that was found lies in an epoch that is over. */
  leave(): void {
    this.#start = undefined;
  }
}

/**
 * Where the backlog of a newcomer begins in a log that holds packets as they came, header and all. They are put in order
 * on the side, to be looked into and to know what is missing: whoever is sent the log from a place on lacks what came
 * before that place, and some of it may belong behind what follows. So a backlog has two beginnings, a sequence and the
 * place in the log from which on all packets lie that do not come before it:
 *
 *     the sequence that is expected at a time; the place where the oldest packet lies that waits for it then
 *
 * A backlog from an entry point takes what was so REORDER_DEADLINE_MS before the entry was found: nothing that follows
 * the entry can have come earlier, however shuffled, and its tables, which are repeated more often than that, stand there,
 * too. A live one takes what is so now. No backlog reaches into the epoch before.
 */
export class WireEntries implements Entries, ReorderOutput {
  readonly #leadMs: number;
  readonly #reorder: ReorderBuffer;
  readonly #entries: EntryPoints;
  readonly #merge: ChannelMerge | undefined;
  readonly #whole = new Place();
  readonly #begun = new Place();
  /** Bytes of the log so far. */
  #bytes = 0;
  /** The first is the newest that is `leadMs` old, or the oldest of the epoch. */
  #marks: Mark[] = [];
  /** The newest that has begun; while it is not the reorder buffer's, the next one settles. */
  #epoch = -1;
  /** The packet that was taken last lies in its window. */
  #isOfEpoch = false;
  /** Where in the log its packets end. */
  #epochEnd = 0;
  #nowMs = 0;

  /** @param sources whose packets are merged; undefined where there is but one */
  constructor(reorder: ReorderLimits, entryMaxAgeMs: number, sources?: MergedSources) {
    this.#leadMs = reorder.deadlineMs;
    this.#reorder = new ReorderBuffer(reorder, this);
    this.#merge = sources && new ChannelMerge(this.#reorder, reorder, sources);
    this.#entries = new EntryPoints(entryMaxAgeMs);
  }

  get isTransportStream(): boolean {
    return this.#entries.isTransportStream;
  }

  get heldBytes(): number {
    return this.#reorder.heldBytes;
  }

  handOnHeld(): void {
    this.#reorder.handOnAll();
  }

  sourceConnected(source: number, nowMs: number): void {
    if (this.#merge === undefined) this.#reorder.sourceConnected();
    else this.#merge.sourceConnected(source, nowMs);
  }

  /** The sources that brought nothing since the last call but what does not fit the others. */
  takeDisagreeing(): readonly number[] {
    return this.#merge?.takeDisagreeing() ?? [];
  }

  /**
   * Puts a packet in order that has come.
   * @returns whether it is appended to the log: of what several sources bring, each packet once
   */
  take(packet: PacketView): boolean {
    const nowMs = packet.arrivedMs;
    this.catchUp(nowMs);
    this.#mark(nowMs);
    const isOrdered = this.#epoch === this.#reorder.epochs;
    this.#isOfEpoch = isOrdered && this.#reorder.placeOf(packet) === 'window';
    if (this.#merge !== undefined) return this.#merge.push(packet);
    this.#reorder.push(packet);
    return true;
  }

  /** The packet that was taken last is in the log, with its header as part of the payload. */
  push({ payloadBytes }: PacketView): void {
    this.#bytes += payloadBytes;
    if (this.#isOfEpoch) this.#epochEnd = this.#bytes;
  }

  /** Gives up what has waited out of order for too long. */
  catchUp(nowMs: number): void {
    this.#nowMs = nowMs;
    if (nowMs >= this.#reorder.dueMs) this.#reorder.expire(nowMs);
  }

  /** Takes the next packet in order, from the reorder buffer. */
  deliver(packet: PacketView): void {
    if (this.#reorder.epochs !== this.#epoch) this.#beginEpoch(packet);
    this.#entries.push(packet, this.#nowMs);
    this.#wholeStart(this.#nowMs);
    this.#begunStart(this.#nowMs);
  }

  newestWhole(nowMs: number): EntryPoint | undefined {
    return asEntry(this.#wholeStart(nowMs));
  }

  newestBegun(nowMs: number): EntryPoint | undefined {
    return asEntry(this.#begunStart(nowMs));
  }

  /** The sequence before which nothing is missing that may still come; undefined while an epoch settles. */
  get ordered(): Sequence | undefined {
    return this.#reorder.next;
  }

  /** @param fromEntry whether from the newest entry point, if there is one */
  backlogStart(nowMs: number, fromEntry: boolean): BacklogStart {
    const now = this.#startNow();
    if (!fromEntry || now.first === undefined) return now;
    return this.#wholeStart(nowMs) ?? this.#begunStart(nowMs) ?? now;
  }

  #wholeStart(nowMs: number): BacklogStart | undefined {
    return this.#whole.of(this.#entries.newestWhole(nowMs), this.#lead);
  }

  #begunStart(nowMs: number): BacklogStart | undefined {
    return this.#begun.of(this.#entries.newestBegun(nowMs), this.#lead);
  }

  get #lead(): BacklogStart {
    return this.#marks[0] ?? this.#startNow();
  }

  /** Where a backlog would begin that begins with what is expected now. */
  #startNow(): BacklogStart {
    const next = this.#reorder.next;
    if (next === undefined) return { at: this.#epochEnd, first: undefined };
    if (next.waitsSinceMs === Number.POSITIVE_INFINITY) return { at: this.#bytes, first: next };
    const then = this.#marks.findLast(({ ms }) => ms <= next.waitsSinceMs) ?? this.#marks[0];
    return { at: then?.logAt ?? 0, first: next };
  }

  #beginEpoch({ high, low }: PacketView): void {
    this.#epoch = this.#reorder.epochs;
    this.#whole.leave();
    this.#begun.leave();
    const at = this.#epochEnd;
    this.#marks = [{ ms: Number.NEGATIVE_INFINITY, logAt: at, at, first: { high, low } }];
  }

  /** Remembers how things are, and forgets what nobody goes back to. */
  #mark(nowMs: number): void {
    const newest = this.#marks.at(-1);
    if (newest !== undefined && nowMs - newest.ms < MARK_MS) return;
    this.#marks.push({ ms: nowMs, logAt: this.#bytes, ...this.#startNow() });
    const past = this.#marks.findLastIndex(({ ms }) => nowMs - ms >= this.#leadMs);
    if (past > 0) this.#marks.splice(0, past);
  }
}

function asEntry(start: BacklogStart | undefined): EntryPoint | undefined {
  return start && { at: start.at, tables: NO_TABLES };
}
