import type { Clock } from '../../../shared/clock.ts';
import { asError } from '../../../shared/errors.ts';
import type { WriterId } from '../../../shared/ids.ts';
import {
  SPOOL_FILE_ROWS,
  SPOOL_LEASE_MS,
  SPOOL_READ_MS,
  STORE_TIMEOUT_MS,
} from '../../../shared/limits.ts';
import type { LogLimiter } from '../../../shared/logger.ts';
import type { UsageRow } from '../../../shared/store/store.ts';
import { withTimeout } from '../../../shared/with-timeout.ts';
import type { FlushSchedule } from '../flush-schedule.ts';
import type { LostRows } from '../lost-rows.ts';
import type { UsageMeter } from '../meter.ts';
import type { PendingRows } from '../pending-rows.ts';
import type { SaveOutcome } from '../row-saver.ts';
import type { SpooledFile, UsageCell } from '../usage-cell.ts';
import { Periodic } from './periodic.ts';
import { Spool } from './spool.ts';
import { namesOf, type SpoolFolder } from './spool-folder.ts';
import { SpoolLease } from './spool-lease.ts';
import { SpoolReader } from './spool-reader.ts';

interface SpoolerParts {
  readonly folder: SpoolFolder;
  readonly pending: PendingRows;
  readonly meter: UsageMeter;
  readonly schedule: FlushSchedule;
  readonly maxPendingRows: number;
  readonly lost: LostRows;
  readonly clock: Clock;
  readonly limiter: LogLimiter;
  readonly isStoreReady: () => boolean;
  readonly save: (rows: readonly UsageRow[]) => Promise<SaveOutcome>;
}

/** When the spool is written, read and probed. Written are rows that wait too long for the store or for room in memory. */
export class Spooler {
  readonly #parts: SpoolerParts;
  /** The name that this process's files bear. */
  readonly owner: WriterId;
  readonly #lease: SpoolLease;
  readonly #spool: Spool;
  readonly #reader: SpoolReader;
  readonly #writing = new Periodic();
  readonly #probing = new Periodic();
  readonly #reading = new Periodic();

  constructor(parts: SpoolerParts) {
    this.#parts = parts;
    const { folder, meter, clock, limiter, isStoreReady, save } = parts;
    const owner = meter.writerId;
    this.owner = owner;
    this.#lease = new SpoolLease(folder, owner, clock);
    const newName = namesOf(owner);
    this.#spool = new Spool({ folder, owner, lease: this.#lease, limiter, newName });
    this.#reader = new SpoolReader({
      folder,
      owner,
      lease: this.#lease,
      clock,
      limiter,
      newName,
      skips: (name) => this.#spool.owns(name),
      isStoreReady,
      save,
    });
  }

  get stats() {
    const { files, health } = this.#spool;
    return { ...this.#spool.stats, ...this.#reader.stats, files, health };
  }

  /** Since when the oldest row waits that only the spool has. */
  get oldestSinceMs(): number | undefined {
    return this.#reader.oldestSinceMs;
  }

  /** The store has all of the cell that the spool has. */
  forget(cell: UsageCell): void {
    this.#spool.forget(cell);
  }

  /** The store is back: what is in the spool is read now. */
  readSoon(): void {
    this.#reading.hasten(0);
  }

  /** A process is dead whose files bear this name: they are read now. */
  ownerDied(owner: string): void {
    this.#reader.ownerDied(owner);
    this.readSoon();
  }

  /** Begins what is due. */
  tick(): void {
    const { clock, schedule } = this.#parts;
    const nowMs = clock.monotonicMs();
    this.#writing.begin(nowMs, schedule.spoolEveryMs, () => this.#writeOverdue(nowMs));
    this.#probing.begin(nowMs, SPOOL_READ_MS, () => this.#spool.probe());
    this.#reading.begin(nowMs, SPOOL_READ_MS, () => this.#read(nowMs));
    const hasFiles = this.#spool.files > 0 || this.#reader.hasOwnFiles;
    if (!hasFiles && this.#reading.running === undefined) this.#lease.release();
  }

  /** Spools all that waits, and leaves what is in the folder to other processes, and to those that start later. */
  async stop(): Promise<void> {
    await this.#writing.running;
    await this.#writeSince(this.#parts.clock.monotonicMs());
    const rest = Promise.all([this.#reading.running, this.#spool.settled()]);
    await withTimeout(rest, STORE_TIMEOUT_MS).catch(() => {});
    await this.#lease.release();
  }

  async #read(nowMs: number): Promise<void> {
    try {
      await this.#reader.pass();
    } catch (error) {
      this.#parts.limiter.error(
        'usage: a pass over the spool broke off; the next one begins anew',
        {
          err: asError(error),
        },
      );
    }
    if (this.#reader.hasForeignFiles) this.#reading.hasten(nowMs + SPOOL_LEASE_MS);
  }

  async #writeOverdue(nowMs: number): Promise<void> {
    const { pending, schedule, maxPendingRows } = this.#parts;
    const isCrowded = pending.size > maxPendingRows;
    const areDurable = await this.#writeSince(nowMs - (isCrowded ? 0 : schedule.spoolAfterMs));
    if (pending.size > maxPendingRows) this.#makeRoom(areDurable);
  }

  /** Spools what has waited since `sinceMs` or longer. Resolves with whether all of it is durable. */
  async #writeSince(sinceMs: number): Promise<boolean> {
    const { pending } = this.#parts;
    for (;;) {
      const cells = pending.takeUnspooled(sinceMs, SPOOL_FILE_ROWS);
      if (cells.length === 0) return true;
      if (await this.#spool.write(cells)) continue;
      for (const cell of cells) if (!cell.isSpooled) pending.unspool(cell, sinceMs);
      return false;
    }
  }

  /**
   * Makes room in memory: ended rows leave it, the oldest first. Those in the spool are left to the readers; the others
   * are given up as lost, but only if the spool cannot be written.
   */
  #makeRoom(isSpoolWritable: boolean): void {
    const { pending, meter, maxPendingRows, lost } = this.#parts;
    const { minute, writerId } = meter;
    const hasEnded = (cell: UsageCell) => cell.minute !== minute || cell.writerId !== writerId;
    const isLastWord = (cell: UsageCell) => hasEnded(cell) && cell.isSpooled;
    while (pending.size > maxPendingRows) {
      const file = this.#spool.oldestWith(isLastWord);
      if (file === undefined) break;
      this.#leaveToReaders(file, isLastWord);
    }
    if (isSpoolWritable) return;
    for (const cell of pending) {
      if (pending.size <= maxPendingRows) return;
      if (!hasEnded(cell)) continue;
      lost.add(cell, 'rowsWithoutRoom');
      if (cell.copy) this.#leaveToReaders(cell.copy, isLastWord);
      pending.remove(cell);
    }
  }

  /**
   * Leaves a file to the readers. Cells that have ended, and of which the file holds all, leave memory; the others stay,
   * and need a copy in another file.
   */
  #leaveToReaders(file: SpooledFile, isLastWord: (cell: UsageCell) => boolean): void {
    const { pending, clock } = this.#parts;
    const cells = [...file.cells];
    const leaving = cells.filter(isLastWord);
    const waitSinceMs = cells.map((cell) => pending.sinceMs(cell) ?? clock.monotonicMs());
    this.#reader.adopt(file.name, Math.min(...waitSinceMs));
    this.#spool.release(file);
    for (const cell of leaving) pending.remove(cell);
    for (const cell of cells) pending.unspool(cell, 0);
  }
}
