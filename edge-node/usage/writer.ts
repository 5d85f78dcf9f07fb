import type { Clock } from '../../shared/clock.ts';
import type { Config } from '../../shared/config.ts';
import {
  SAVE_BATCH_ROWS,
  SAVE_CONCURRENCY,
  SPOOL_FILE_ROWS,
  SPOOL_READ_MS,
  STORE_TIMEOUT_MS,
} from '../../shared/limits.ts';
import { type Logger, LogLimiter } from '../../shared/logger.ts';
import type { Store, UsageRow } from '../../shared/store/store.ts';
import { firstMinuteOf } from '../../shared/usage-window.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { type FlushSchedule, flushSchedule } from './flush-schedule.ts';
import { type UsageCell, UsageMeter } from './meter.ts';
import { PendingRows } from './pending-rows.ts';
import { Spool } from './spool/spool.ts';
import { SpoolFolder } from './spool/spool-folder.ts';
import { SpoolReader } from './spool/spool-reader.ts';

interface WriterParts {
  readonly store: Store;
  readonly meter: UsageMeter;
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  /** By default the one at USAGE_SPOOL_DIR. */
  readonly folder?: SpoolFolder;
}

const STOP_POLL_MS = 10;

/**
 * Brings what the meter counts into the store, and meanwhile into the spool what the store does not take. Rows carry
 * absolute values, so that whatever is in doubt is simply written again.
 *
 * Invariant: counted growth is stored, or pending here, or the meter's until its user's next turn; pending growth
 * that is older than the schedule says is durable in the spool as well, while the spool can be written.
 */
export class UsageWriter {
  readonly #meter: UsageMeter;
  readonly #clock: Clock;
  readonly #log: LogLimiter;
  readonly #maxPendingRows: number;
  readonly #schedule: FlushSchedule;
  readonly #folder: SpoolFolder;
  readonly #pending = new PendingRows();
  readonly #link: CircuitBreaker;
  readonly #spool: Spool;
  readonly #reader: SpoolReader;
  readonly #saves = new Set<Promise<void>>();
  readonly #lost = { rowsTooOld: 0, rowsWithoutRoom: 0, msLost: 0 };
  #timer: NodeJS.Timeout | undefined;
  #turns = 0;
  #startedMs = 0;
  #spooling: Promise<void> | undefined;
  #nextSpoolMs = 0;
  #reading: Promise<void> | undefined;
  #nextReadMs = 0;
  #phase: 'running' | 'stopping' | 'stopped' = 'running';

  constructor({ store, meter, config, logger, clock, folder }: WriterParts) {
    this.#meter = meter;
    this.#clock = clock;
    this.#log = new LogLimiter(logger);
    this.#maxPendingRows = config.USAGE_MAX_PENDING_ROWS;
    this.#schedule = flushSchedule(config.USAGE_FLUSH_MS);
    this.#folder = folder ?? new SpoolFolder(config.USAGE_SPOOL_DIR);
    const onReturn = () => {
      this.#nextReadMs = 0;
    };
    this.#link = new CircuitBreaker({ store, logger, log: this.#log, clock, onReturn });
    this.#spool = new Spool({ folder: this.#folder, meter, log: this.#log });
    this.#reader = new SpoolReader({
      folder: this.#folder,
      clock,
      log: this.#log,
      skips: (name) => this.#spool.owns(name),
      save: (rows) => this.#saveForReader(rows),
    });
  }

  /** Begins to write, and to read what earlier lives left in the spool; waits for neither, nor for the store. */
  async start(): Promise<void> {
    await this.#folder.create().catch((error: unknown) => {
      const fields = { err: String(error), folder: this.#folder.path };
      this.#log.error('usage: the spool folder cannot be made', fields);
    });
    this.#startedMs = this.#clock.monotonicMs();
    this.#timer = setInterval(() => this.#tick(), this.#schedule.tickMs);
  }

  /**
   * Stores all that was counted, or what the store does not take within STORE_TIMEOUT_MS, spools. The meter must have
   * counted its last.
   */
  async stop(): Promise<void> {
    this.#phase = 'stopping';
    const deadline = this.#clock.monotonicMs() + STORE_TIMEOUT_MS;
    this.#meter.submitAll(this.#submit);
    while (this.#pending.size > 0 && this.#clock.monotonicMs() < deadline) {
      this.#save();
      await pause(STOP_POLL_MS);
    }
    this.#phase = 'stopped';
    clearInterval(this.#timer);
    await this.#spooling;
    await this.#spoolSince(this.#clock.monotonicMs());
    for (const cell of this.#pending) if (!isSpooled(cell)) this.#lose(cell, 'rowsWithoutRoom');
    const rest = Promise.all([this.#reading, this.#spool.settled()]);
    await withTimeout(rest, STORE_TIMEOUT_MS).catch(() => {});
    this.#log.flush();
  }

  /** Counters since the start, and the present state. */
  get stats() {
    const oldestSinceMs = this.#pending.oldestSinceMs;
    return {
      ...this.#link.stats,
      ...this.#lost,
      pendingRows: this.#pending.size,
      oldestPendingMs: oldestSinceMs === undefined ? 0 : this.#clock.monotonicMs() - oldestSinceMs,
      spool: { ...this.#spool.stats, ...this.#reader.stats, files: this.#spool.files },
    };
  }

  readonly #submit = (cell: UsageCell): void => {
    this.#pending.submit(cell, this.#clock.monotonicMs());
  };

  #tick(): void {
    this.#collect();
    this.#dropTooOld();
    this.#save();
    const now = this.#clock.monotonicMs();
    if (this.#spooling === undefined && now >= this.#nextSpoolMs) {
      this.#nextSpoolMs = now + this.#schedule.spoolEveryMs;
      this.#spooling = this.#spoolOverdue(now).finally(() => {
        this.#spooling = undefined;
      });
    }
    if (this.#reading === undefined && now >= this.#nextReadMs && this.#phase === 'running') {
      this.#nextReadMs = now + SPOOL_READ_MS;
      this.#reading = this.#reader
        .pass()
        .catch(() => {})
        .finally(() => {
          this.#reading = undefined;
        });
    }
  }

  /** Ended sessions, and the users whose turn has come since the last tick. */
  #collect(): void {
    const { BUCKETS } = UsageMeter;
    const { roundMs, growing } = this.#schedule;
    this.#meter.submitLeft(this.#submit);
    const rounds = (this.#clock.monotonicMs() - this.#startedMs) / roundMs;
    const due = Math.floor(rounds * BUCKETS);
    for (let turn = Math.max(this.#turns, due - BUCKETS); turn < due; turn += 1) {
      this.#meter.submitBucket(turn % BUCKETS, growing, this.#submit);
    }
    this.#turns = due;
  }

  #save(): void {
    if (this.#phase === 'stopped') return;
    while (this.#saves.size < SAVE_CONCURRENCY && this.#link.isOpen) {
      const cells = this.#pending.takeUnsaved(SAVE_BATCH_ROWS);
      if (cells.length === 0) return;
      const save = this.#saveBatch(cells).finally(() => {
        this.#saves.delete(save);
        setImmediate(() => this.#save());
      });
      this.#saves.add(save);
    }
  }

  async #saveBatch(cells: readonly UsageCell[]): Promise<void> {
    const { minute, writerId } = this.#meter;
    const rows = new Map<UsageCell, UsageRow>();
    for (const cell of cells) {
      const { userId, channelId, deliveredMs } = cell;
      const final = cell.minute < minute;
      rows.set(cell, { userId, minute: cell.minute, channelId, writerId, deliveredMs, final });
    }
    const areStored = await this.#link.save([...rows.values()]);
    for (const [cell, { deliveredMs }] of rows) {
      if (areStored) {
        this.#pending.saved(cell, deliveredMs, this.#clock.monotonicMs());
        if (cell.storedMs >= cell.spooledMs) this.#spool.forget(cell);
      } else {
        this.#pending.notSaved(cell);
      }
    }
  }

  async #saveForReader(rows: readonly UsageRow[]): Promise<void> {
    while (this.#phase === 'running') {
      if (this.#link.isOpen && (await this.#link.save(rows))) return;
      await pause(this.#schedule.tickMs);
    }
    throw new Error('the writer stops');
  }

  async #spoolOverdue(nowMs: number): Promise<void> {
    const isCrowded = this.#pending.size > this.#maxPendingRows;
    const areDurable = await this.#spoolSince(
      nowMs - (isCrowded ? 0 : this.#schedule.spoolAfterMs),
    );
    if (this.#pending.size > this.#maxPendingRows) this.#makeRoom(areDurable);
  }

  /** Spools what has waited since `sinceMs` or longer. */
  async #spoolSince(sinceMs: number): Promise<boolean> {
    for (;;) {
      const cells = this.#pending.takeUnspooled(sinceMs, SPOOL_FILE_ROWS);
      if (cells.length === 0) return true;
      if (await this.#spool.write(cells)) continue;
      for (const cell of cells) this.#pending.unspool(cell, sinceMs);
      return false;
    }
  }

  /** Ended rows leave memory, oldest first: those in the spool to the readers, others only if it cannot be written. */
  #makeRoom(isSpoolWritable: boolean): void {
    const { minute } = this.#meter;
    const hasEnded = (cell: UsageCell) => cell.minute < minute;
    while (this.#pending.size > this.#maxPendingRows) {
      const released = this.#spool.release(hasEnded);
      if (released === undefined) break;
      for (const cell of released.left) this.#pending.remove(cell);
      for (const cell of released.kept) this.#pending.unspool(cell, 0);
    }
    if (isSpoolWritable) return;
    for (const cell of this.#pending) {
      if (this.#pending.size <= this.#maxPendingRows) return;
      if (hasEnded(cell)) this.#lose(cell, 'rowsWithoutRoom');
    }
  }

  #dropTooOld(): void {
    const first = firstMinuteOf(this.#clock.epochMs());
    for (const cell of this.#pending) {
      if (cell.minute >= first) return;
      this.#lose(cell, 'rowsTooOld');
    }
  }

  #lose(cell: UsageCell, why: 'rowsTooOld' | 'rowsWithoutRoom'): void {
    this.#pending.remove(cell);
    this.#spool.forget(cell);
    this.#lost[why] += 1;
    this.#lost.msLost += cell.deliveredMs - cell.storedMs;
    this.#log.error('usage: rows are lost', { [why]: this.#lost[why] });
  }
}

function isSpooled(cell: UsageCell): boolean {
  return cell.spooledMs === cell.deliveredMs;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
