import type { Entries, EntryPoint } from '../channels/entry-points.ts';
import { EntryPoints } from '../channels/entry-points.ts';
import { PacketView } from '../ordering/packet-view.ts';
import { ReorderBuffer } from '../ordering/reorder-buffer.ts';
import type { ReorderLimits, ReorderOutput } from '../ordering/reorder-contract.ts';
import { HEADER_BYTES } from '../source/packet.ts';

const NO_TABLES = Buffer.alloc(0);
/** How finely it is remembered when the log had how many bytes. */
const MARK_MS = 50;

interface Mark {
  readonly ms: number;
  readonly at: number;
}

/** An entry point as it was found, and where in the log its backlog begins. */
class Place {
  #foundAt: number | undefined;
  #begin: EntryPoint | undefined;

  /** @returns undefined where there is no entry; `logAt` is taken for one that is new */
  of(entry: EntryPoint | undefined, logAt: number): EntryPoint | undefined {
    if (entry === undefined) return undefined;
    if (entry.at !== this.#foundAt) {
      this.#foundAt = entry.at;
      this.#begin = { at: logAt, tables: NO_TABLES };
    }
    return this.#begin;
  }
}

/**
 * Where the backlog of a newcomer begins in a log that holds packets as they came, header and all. The packets are put
 * in order, to be looked into; an entry that is found leads to what had come REORDER_DEADLINE_MS before it. Of what
 * follows the entry nothing can have come earlier, however shuffled; and its tables, which are repeated more often than
 * that, stand there too.
 */
export class WireEntries implements Entries, ReorderOutput {
  readonly #leadMs: number;
  readonly #reorder: ReorderBuffer;
  readonly #entries: EntryPoints;
  readonly #view = new PacketView();
  readonly #whole = new Place();
  readonly #begun = new Place();
  /** Bytes of the log so far. */
  #bytes = 0;
  /** The first is the newest that is `leadMs` old, or the oldest there is. */
  #marks: Mark[] = [];
  #nowMs = 0;

  constructor(reorder: ReorderLimits, entryMaxAgeMs: number) {
    this.#leadMs = reorder.deadlineMs;
    this.#reorder = new ReorderBuffer(reorder, this);
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

  sourceConnected(): void {
    this.#reorder.sourceConnected();
  }

  /** @param packet with its header as part of the payload */
  push({ bytes, start, end, high, low }: PacketView, nowMs: number): void {
    this.#mark(nowMs);
    this.#bytes += end - start;
    const view = this.#view;
    if (view.bytes !== bytes) view.bytes = bytes;
    view.start = start + HEADER_BYTES;
    view.end = end;
    view.high = high;
    view.low = low;
    view.arrivedMs = nowMs;
    this.catchUp(nowMs);
    this.#reorder.push(view);
  }

  /** Gives up what has waited out of order for too long. */
  catchUp(nowMs: number): void {
    this.#nowMs = nowMs;
    if (nowMs >= this.#reorder.dueMs) this.#reorder.expire(nowMs);
  }

  /** Takes the next packet in order, from the reorder buffer. */
  deliver(packet: PacketView): void {
    this.#entries.push(packet, this.#nowMs);
    this.newestWhole(this.#nowMs);
    this.newestBegun(this.#nowMs);
  }

  newestWhole(nowMs: number): EntryPoint | undefined {
    return this.#whole.of(this.#entries.newestWhole(nowMs), this.#lead);
  }

  newestBegun(nowMs: number): EntryPoint | undefined {
    return this.#begun.of(this.#entries.newestBegun(nowMs), this.#lead);
  }

  get #lead(): number {
    return this.#marks[0]?.at ?? 0;
  }

  /** Remembers how far the log is, and forgets what nobody goes back to. */
  #mark(nowMs: number): void {
    const newest = this.#marks.at(-1);
    if (newest !== undefined && nowMs - newest.ms < MARK_MS) return;
    this.#marks.push({ ms: nowMs, at: this.#bytes });
    const past = this.#marks.findLastIndex(({ ms }) => nowMs - ms >= this.#leadMs);
    if (past > 0) this.#marks.splice(0, past);
  }
}
