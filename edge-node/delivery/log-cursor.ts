import { WRITE_MAX_BYTES } from '../../shared/limits.ts';
import type { ChannelLog, LogPosition } from '../channels/channel-log.ts';

const NOTHING = Buffer.alloc(0);

/**
 * One user's place in a channel's log: the stretch that is being written, and what comes after it.
 *
 *       oldest run kept                     endRun: closes next
 *       ▼                                   ▼
 *     ──┬───────┬───────┬───────┬───────┬───┼ ─ ─ ─
 *       │  taken, then  │    stretch    │
 *     ──┴───────┴───────┴───────┴───────┴───┴ ─ ─ ─
 *                                       ▲ next: #run and #offset; #packet is the ordinal of the packet there
 *
 * Invariant: every packet before `#packet` was taken, was skipped and counted, or came before the user. The cursor
 * only moves forward. Where it enters in the middle of a payload, the rest of that payload is given and not counted.
 * It knows no sockets, and time as an argument.
 */
export class LogCursor {
  readonly #log: ChannelLog;
  /** Packets from here on came after the user did: they count as watched. */
  readonly #watchedFrom: number;
  #run: number;
  #offset: number;
  #packet: number;
  /** Tables that a decoder needs: given before the next run. */
  #tables: Buffer;
  /** Indexes of the runs that the stretch's write holds in memory: from `#heldFrom` on, without `#heldTo`. */
  #heldFrom = 0;
  #heldTo = 0;
  /** The user has had packets, or skips: from now on every packet passed over is a skip. */
  #hasBegun = false;
  skippedPackets = 0;
  /** What the stretch holds: packets, those of them that count as watched, and bytes. */
  packets = 0;
  watchedPackets = 0;
  bytes = 0;
  /** When its first packet came. */
  arrivedMs = 0;

  constructor(log: ChannelLog, start: LogPosition) {
    this.#log = log;
    this.#watchedFrom = log.nextPacket;
    this.#run = start.run;
    this.#offset = start.offset;
    this.#packet = start.packet;
    this.#tables = start.tables;
  }

  /** Packets that the log has and the user was not given yet. */
  get lagPackets(): number {
    return this.#log.nextPacket - this.#packet;
  }

  /** Whether `next` has something to give, once the stretch has ended. */
  get isBehind(): boolean {
    return this.#run < this.#log.endRun;
  }

  /**
   * The next bytes of the stretch, which may be none where payloads are empty. Undefined where no run has closed yet,
   * or where the stretch would exceed WRITE_MAX_BYTES; its first run may be larger than that.
   */
  next(nowMs: number): Buffer | undefined {
    if (this.#run < this.#log.firstRun) this.#skipTo(this.#log.newestEntry(nowMs));
    const run = this.#log.closedRun(this.#run);
    if (run === undefined) return undefined;
    if (this.#tables.length > 0) return this.#takeTables();
    const bytes = this.#offset === 0 ? run.bytes : run.bytes.subarray(this.#offset);
    if (this.packets > 0 && this.bytes + bytes.length > WRITE_MAX_BYTES) return undefined;
    // A user at the live end begins with the next run to open. What came into the run before it meanwhile is not theirs.
    if (this.#offset === 0 && run.firstPacket > this.#packet) this.#passTo(run.firstPacket);
    run.pins += 1;
    if (this.#heldFrom === this.#heldTo) {
      this.#heldFrom = run.index;
      this.arrivedMs = run.openedMs;
    }
    this.#heldTo = run.index + 1;
    this.#take(bytes.length, run.firstPacket + run.packets);
    return bytes;
  }

  /** Whether the stretch's write holds this run. */
  holds(run: number): boolean {
    return this.#heldFrom <= run && run < this.#heldTo;
  }

  /** The stretch has been written, or never will be. What is taken from now on is the next one. */
  endStretch(): void {
    for (let run = this.#heldFrom; run < this.#heldTo; run += 1) this.#log.unpin(run);
    this.#heldFrom = this.#heldTo;
    this.packets = 0;
    this.watchedPackets = 0;
    this.bytes = 0;
  }

  /** With the first run, in the same stretch. */
  #takeTables(): Buffer {
    const tables = this.#tables;
    this.#tables = NOTHING;
    this.bytes += tables.length;
    return tables;
  }

  #take(bytes: number, endPacket: number): void {
    this.packets += endPacket - this.#packet;
    this.watchedPackets += Math.max(0, endPacket - Math.max(this.#packet, this.#watchedFrom));
    this.bytes += bytes;
    this.#hasBegun = true;
    this.#run += 1;
    this.#offset = 0;
    this.#packet = endPacket;
  }

  /** The log has dropped what was next: goes on at a place where a decoder can. */
  #skipTo({ run, offset, packet, tables }: LogPosition): void {
    this.#hasBegun = true;
    this.#passTo(packet);
    this.#run = run;
    this.#offset = offset;
    this.#tables = tables;
  }

  #passTo(packet: number): void {
    if (this.#hasBegun) this.skippedPackets += packet - this.#packet;
    this.#packet = packet;
  }
}
