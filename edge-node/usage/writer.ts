import type { Clock } from '../../shared/clock.ts';
import { asError } from '../../shared/errors.ts';
import { minuteOf, type UserId, type WriterId } from '../../shared/ids.ts';
import {
  SAVE_BATCH_ROWS,
  SAVE_CONCURRENCY,
  STORE_SAVE_TIMEOUT_MS,
  STORE_TIMEOUT_MS,
} from '../../shared/limits.ts';
import { type Logger, LogLimiter } from '../../shared/logger.ts';
import type { Store } from '../../shared/store/store.ts';
import { withTimeout } from '../../shared/with-timeout.ts';
import { type FlushSchedule, flushSchedule, roundsUntil } from './flush-schedule.ts';
import { LostRows } from './lost-rows.ts';
import { UsageMeter } from './meter.ts';
import { PendingRows } from './pending-rows.ts';
import { RowSaver } from './row-saver.ts';
import type { SpoolFolder } from './spool/spool-folder.ts';
import { Spooler } from './spool/spooler.ts';
import type { UsageCell } from './usage-cell.ts';

interface WriterParts {
  readonly store: Pick<Store, 'saveUsage' | 'forgetUsage'>;
  readonly meter: UsageMeter;
  readonly folder: SpoolFolder;
  /** USAGE_FLUSH_MS. */
  readonly flushMs: number;
  /** USAGE_MAX_PENDING_ROWS. */
  readonly maxPendingRows: number;
  readonly logger: Logger;
  readonly clock: Clock;
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
  readonly #store: Pick<Store, 'forgetUsage'>;
  readonly #meter: UsageMeter;
  readonly #clock: Clock;
  readonly #limiter: LogLimiter;
  readonly #schedule: FlushSchedule;
  readonly #pending = new PendingRows();
  readonly #lost: LostRows;
  readonly #saver: RowSaver;
  readonly #spooler: Spooler;
  readonly #saves = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  /** Turns of the meter's buckets that have passed since the epoch. */
  #turns = 0;
  #phase: 'running' | 'stopping' | 'stopped' = 'running';

  constructor({ store, meter, folder, flushMs, maxPendingRows, logger, clock }: WriterParts) {
    const limiter = new LogLimiter(logger);
    this.#store = store;
    this.#meter = meter;
    this.#clock = clock;
    this.#limiter = limiter;
    this.#schedule = flushSchedule(flushMs);
    this.#lost = new LostRows(limiter);
    const onReturn = () => this.#spooler.readSoon();
    this.#saver = new RowSaver({ store, logger, limiter, clock, onReturn });
    this.#spooler = new Spooler({
      folder,
      pending: this.#pending,
      meter,
      schedule: this.#schedule,
      maxPendingRows,
      lost: this.#lost,
      clock,
      limiter,
      isStoreReady: () => this.#phase === 'running' && this.#saver.isReady,
      save: (rows) => this.#saver.save(rows),
    });
  }

  /** The name that this process's files in the spool bear. */
  get owner(): WriterId {
    return this.#spooler.owner;
  }

  /** A process is dead whose files in the spool bear this name: this one stores what they hold. */
  ownerDied(owner: WriterId): void {
    this.#spooler.ownerDied(owner);
  }

  /** Begins to write, and to read what earlier processes left in the spool; waits for neither, nor for the store. */
  start(): void {
    this.#turns = this.#turnsUntilNow();
    this.#timer = setInterval(() => this.#tick(), this.#schedule.tickMs);
  }

  /**
   * Stores all that was counted, or what the store does not take within STORE_TIMEOUT_MS, spools. The meter must have
   * counted its last.
   */
  async stop(): Promise<void> {
    this.#phase = 'stopping';
    const deadlineMs = this.#clock.monotonicMs() + STORE_TIMEOUT_MS;
    this.#followClock();
    this.#meter.submitAll(this.#submit);
    while (this.#pending.size > 0 && this.#clock.monotonicMs() < deadlineMs) {
      this.#save();
      await pause(STOP_POLL_MS);
    }
    this.#phase = 'stopped';
    clearInterval(this.#timer);
    await this.#spooler.stop();
    for (const cell of this.#pending) if (!cell.isSpooled) this.#lost.add(cell, 'rowsWithoutRoom');
    this.#limiter.flush();
  }

  /**
   * The user was last found registered at `confirmedMs`, monotonic, and is not any more; the last of its sessions has
   * ended. Where the store knows of a deletion since, what is not stored yet is dropped, and what was stored since the
   * deletion goes, too. Else nobody has asked for that, and usage is stored as any other's.
   */
  async unregistered(userId: UserId, confirmedMs: number): Promise<void> {
    this.#meter.submitLeft(this.#submit);
    this.#pending.hold(userId);
    // A save that is under way would come after the deletion.
    await Promise.all(this.#saves);
    if (await this.#forgets(userId, confirmedMs)) this.#drop(userId);
    this.#pending.letGo(userId);
  }

  async #forgets(userId: UserId, confirmedMs: number): Promise<boolean> {
    const agoMs = this.#clock.monotonicMs() - confirmedMs;
    const since = minuteOf(this.#clock.epochMs() - agoMs);
    try {
      const asked = this.#store.forgetUsage(userId, this.#meter.minute, since);
      if (await withTimeout(asked, STORE_SAVE_TIMEOUT_MS)) return true;
    } catch (error) {
      this.#limiter.warn(
        'usage: what an unregistered user watched until it was cut off could not be deleted',
        { err: asError(error), user: userId },
      );
      return false;
    }
    this.#limiter.warn(
      'usage: a registration is gone, and nobody has unregistered it; usage is kept',
      { user: userId },
    );
    return false;
  }

  #drop(userId: UserId): void {
    this.#meter.forget(userId);
    for (const cell of this.#pending) {
      if (cell.userId !== userId) continue;
      cell.settle();
      this.#pending.remove(cell);
      this.#spooler.forget(cell);
    }
  }

  /** Counters since the start, and the present state. */
  get stats() {
    const nowMs = this.#clock.monotonicMs();
    const inMemorySinceMs = this.#pending.oldestSinceMs ?? nowMs;
    const oldestSinceMs = Math.min(inMemorySinceMs, this.#spooler.oldestSinceMs ?? nowMs);
    return {
      ...this.#saver.stats,
      ...this.#lost.stats,
      pendingRows: this.#pending.size,
      /** Age of the oldest row that is not stored yet, wherever it waits. */
      oldestPendingMs: nowMs - oldestSinceMs,
      spool: this.#spooler.stats,
    };
  }

  readonly #submit = (cell: UsageCell): void => {
    this.#pending.submit(cell, this.#clock.monotonicMs());
  };

  #tick(): void {
    this.#followClock();
    this.#dropTooOld();
    this.#collect();
    this.#save();
    if (this.#phase === 'running') this.#spooler.tick();
  }

  #followClock(): void {
    const step = this.#meter.takeStep();
    if (step === undefined) return;
    this.#pending.redate(step, this.#clock.monotonicMs());
    const seconds = Math.round(step.ms / 1000);
    const message = `usage: the system clock jumped by ${seconds} s; usage is dated by the new time`;
    this.#limiter.warn(message, { seconds });
  }

  /** Ended sessions, and the users whose turn has come since the last tick. */
  #collect(): void {
    const { BUCKETS } = UsageMeter;
    this.#meter.submitLeft(this.#submit);
    const due = this.#turnsUntilNow();
    // After the clock was set back, more turns have passed than are due by it: then every bucket gets one.
    const isAhead = this.#turns > due;
    const from = isAhead ? due - BUCKETS : Math.max(this.#turns, due - BUCKETS);
    for (let turn = from; turn < due; turn += 1) {
      this.#meter.submitBucket(turn % BUCKETS, this.#schedule.growing, this.#submit);
    }
    this.#turns = due;
  }

  #turnsUntilNow(): number {
    return Math.floor(roundsUntil(this.#schedule, this.#clock.epochMs()) * UsageMeter.BUCKETS);
  }

  #save(): void {
    if (this.#phase === 'stopped') return;
    while (this.#saves.size < SAVE_CONCURRENCY && this.#saver.isReady) {
      const cells = this.#pending.takeReady(SAVE_BATCH_ROWS, this.#clock.monotonicMs());
      if (cells.length === 0) return;
      const save = this.#saveBatch(cells).finally(() => {
        this.#saves.delete(save);
        setImmediate(() => this.#save());
      });
      this.#saves.add(save);
    }
  }

  async #saveBatch(cells: readonly UsageCell[]): Promise<void> {
    const rows = cells.map((cell) => cell.toRow(!this.#meter.isGrowing(cell)));
    const saving = this.#saver.save(rows);
    // A store lets rows go that have expired by its look at the clock. Where that look believed a step, they are dated anew.
    this.#followClock();
    const outcome = await saving;
    const nowMs = this.#clock.monotonicMs();
    for (const [at, cell] of cells.entries()) {
      const row = rows[at];
      // A cell that has got another date meanwhile has another row, of which the outcome says nothing.
      if (row === undefined || outcome.kind === 'failed' || !cell.isKeyOf(row)) {
        this.#pending.failed(cell);
      } else if (outcome.refused.has(row)) {
        this.#pending.refused(cell, nowMs);
      } else {
        this.#pending.saved(cell, row.deliveredMs, nowMs);
        if (cell.storedMs >= cell.spooledMs) this.#spooler.forget(cell);
      }
    }
  }

  /**
   * Right after the clock was followed, and by that very look at it: a step that another look believes finds cells that
   * are yet to be dated anew.
   */
  #dropTooOld(): void {
    const { first } = this.#meter;
    for (const cell of this.#pending) {
      if (cell.minute >= first) return;
      this.#lost.add(cell, 'rowsTooOld');
      cell.settle();
      this.#pending.remove(cell);
      this.#spooler.forget(cell);
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
