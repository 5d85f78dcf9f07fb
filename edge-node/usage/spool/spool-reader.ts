import type { Clock } from '../../../shared/clock.ts';
import {
  asError,
  DamagedSpoolFileError,
  UnknownSpoolVersionError,
} from '../../../shared/errors.ts';
import { SAVE_BATCH_ROWS, SPOOL_UNFINISHED_MS, USAGE_WINDOW_MS } from '../../../shared/limits.ts';
import type { LogLimiter } from '../../../shared/logger.ts';
import type { UsageRow } from '../../../shared/store/store.ts';
import { firstMinuteOf } from '../../../shared/usage-window.ts';
import type { SaveOutcome } from '../row-saver.ts';
import { decodeSpoolFile, SpoolFileEncoder } from './spool-file.ts';
import { ownerOf, type SpoolFolder, type SpoolListing } from './spool-folder.ts';
import { OtherLeases, type SpoolLease } from './spool-lease.ts';
import { WaitingFiles } from './waiting-files.ts';

interface ReaderParts {
  readonly folder: SpoolFolder;
  /** What this process's files are named after. */
  readonly owner: string;
  readonly lease: SpoolLease;
  readonly clock: Clock;
  readonly limiter: LogLimiter;
  /** A name for a file of this process's, never used before. */
  readonly newName: () => string;
  /** Files of this process's that it stores from memory. */
  readonly skips: (name: string) => boolean;
  /** Whether a save makes sense now; if not, the pass ends. */
  readonly isStoreReady: () => boolean;
  readonly save: (rows: readonly UsageRow[]) => Promise<SaveOutcome>;
  /** Whether the files of others who may be alive are taken, too. */
  readonly takesAll?: boolean;
}

/** What the log says where an operation on the spool's disk fails. */
const FAILURES = {
  list: 'usage: the spool folder cannot be listed',
  sweep: 'usage: unfinished files cannot be removed from the spool folder',
  removeLease: 'usage: the lease of a dead process cannot be removed from the spool folder',
  writtenMs: 'usage: the age of a spool file cannot be read; it is read as if it were new',
  read: 'usage: a spool file cannot be read; it stays for the next pass',
  rename:
    'usage: a spool file cannot be renamed; it stays for the next pass, since others may read it',
  setAside:
    'usage: a damaged spool file cannot be renamed to .damaged; it is looked at again in the next pass',
  write:
    'usage: rows that are not stored cannot be written to a file of their own; all of their file stays',
  remove:
    'usage: a spool file that is stored cannot be removed; it is stored again in the next pass',
} as const;

/** The save failed as a whole, so that nothing is known of any row: the pass ends, and the file stays. */
const STORE_AWAY = Symbol('the store is away');

/**
 * Brings into the store what writers have left in the spool folder, whoever they were: this process, others that died.
 * Whoever reads a file first gives it a name of its own, so that only one of several processes stores it; should that
 * one die, others take the file over in turn. A file is removed once the store has all of it. Rows that the store refuses
 * go into a file of their own first, so that they hold up no others, and so do rows that are too old by a clock which may
 * yet be put right: they are lost once this process has known of them for the whole window. A file that is read twice
 * counts once, since its values are absolute.
 */
export class SpoolReader {
  readonly stats = {
    filesRead: 0,
    rowsRead: 0,
    /** Lost. */
    rowsTooOld: 0,
    /** Left where they are, each time that they were too old by the clock. */
    rowsDoubted: 0,
    rowsRefused: 0,
    filesDamaged: 0,
    filesFailed: 0,
    /** Looks at files of a newer version. */
    filesNewer: 0,
  };
  readonly #parts: ReaderParts;
  readonly #leases = new OtherLeases();
  readonly #waiting = new WaitingFiles();
  #hasForeignFiles = false;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  /** Since when the oldest file waits that is this process's to read, monotonic milliseconds. */
  get oldestSinceMs(): number | undefined {
    return this.#waiting.oldestSinceMs;
  }

  /** Whether files of this process's wait to be read. */
  get hasOwnFiles(): boolean {
    return this.#waiting.has((name) => ownerOf(name) === this.#parts.owner);
  }

  /** Whether files of others are there, whose owners may turn out to be dead. */
  get hasForeignFiles(): boolean {
    return this.#hasForeignFiles;
  }

  /** Takes charge of a file of this process's, whose rows have waited since `sinceMs`. */
  adopt(name: string, sinceMs: number): void {
    this.#waiting.add(name, sinceMs, this.#parts.clock.monotonicMs());
  }

  /** The owner is dead: what it left is anybody's. */
  ownerDied(owner: string): void {
    this.#leases.died(owner);
  }

  /** Reads every file once. A file or folder that fails is logged and left for the next pass. */
  async pass(): Promise<void> {
    const { folder, clock, isStoreReady } = this.#parts;
    const listing = await this.#attempt('list', folder.path, () => folder.list());
    if (listing === undefined) return;
    await this.#lookThrough(listing);
    for (const name of this.#waiting.due(clock.monotonicMs())) {
      if (!isStoreReady() || (await this.#readFile(name)) === STORE_AWAY) return;
    }
  }

  async #lookThrough({ files, leases }: SpoolListing): Promise<void> {
    const { folder, owner, clock, skips, takesAll } = this.#parts;
    const nowMs = clock.monotonicMs();
    this.#leases.observe(leases, nowMs);
    const isTaken = (name: string) =>
      !takesAll && ownerOf(name) !== owner && this.#leases.isAlive(ownerOf(name), nowMs);
    const mine = files.filter((name) => !skips(name) && !isTaken(name));
    this.#hasForeignFiles = files.some(isTaken);
    this.#waiting.keep(mine);
    for (const name of mine) if (!this.#waiting.knows(name)) await this.#addFound(name, nowMs);
    const others = leases.map((lease) => lease.owner).filter((each) => each !== owner);
    const dead = new Set(others.filter((each) => !this.#leases.isAlive(each, nowMs)));
    const longAgoMs = clock.epochMs() - SPOOL_UNFINISHED_MS;
    await this.#attempt('sweep', folder.path, () => folder.sweep(longAgoMs, dead));
    for (const each of dead)
      await this.#attempt('removeLease', each, () => folder.removeLease(each));
  }

  /** Its rows have waited since it was written, as far as clocks tell. */
  async #addFound(name: string, nowMs: number): Promise<void> {
    const { folder, clock } = this.#parts;
    const writtenMs = await this.#attempt('writtenMs', name, () => folder.writtenMs(name));
    const ageMs = writtenMs === undefined ? 0 : Math.max(0, clock.epochMs() - writtenMs);
    this.#waiting.add(name, nowMs - ageMs, nowMs);
  }

  async #readFile(found: string): Promise<typeof STORE_AWAY | undefined> {
    const { folder, clock } = this.#parts;
    const bytes = await this.#attempt('read', found, () => folder.read(found));
    if (bytes === undefined) return undefined;
    let rows: UsageRow[];
    try {
      rows = [...decodeSpoolFile(bytes)];
    } catch (error) {
      await this.#unreadable(found, asError(error), bytes.length);
      return undefined;
    }
    const name = await this.#takeOver(found);
    if (name === undefined) return undefined;
    const first = firstMinuteOf(clock.epochMs());
    const refused = await this.#saveAll(rows.filter((row) => row.minute >= first));
    if (refused === STORE_AWAY) {
      this.#waiting.failed(name);
      return STORE_AWAY;
    }
    this.stats.rowsRefused += refused.length;
    // The store may have let rows go that have become too old since, by a step of the clock.
    const firstNow = Math.max(first, firstMinuteOf(clock.epochMs()));
    const old = rows.filter((row) => row.minute < firstNow);
    const doubted = this.#isOldByAnyClock(name) ? [] : old;
    this.#tellDoubted(name, doubted.length);
    const left = new Set([...refused, ...doubted]);
    if (left.size > 0 && !(await this.#leave(name, [...left], rows.length))) return undefined;
    await this.#attempt('remove', name, () => folder.remove(name));
    this.#waiting.forget(name);
    this.stats.filesRead += 1;
    this.stats.rowsTooOld += old.length - doubted.length;
    return undefined;
  }

  /** Whether a row of the file that is too old by the clock is so by every clock: it is older than this process's look. */
  #isOldByAnyClock(name: string): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    return this.#waiting.knownForMs(name, nowMs) >= USAGE_WINDOW_MS;
  }

  #tellDoubted(file: string, rows: number): void {
    if (rows === 0) return;
    this.stats.rowsDoubted += rows;
    const message =
      'usage: spooled rows are older than 24 h by the system clock; they stay for 24 h, in case it is put right';
    this.#parts.limiter.warn(message, { rows, file });
  }

  /** @returns the name that the file has now; undefined when another process was faster */
  async #takeOver(name: string): Promise<string | undefined> {
    const { folder, owner, lease, newName } = this.#parts;
    await lease.hold();
    if (ownerOf(name) === owner) return name;
    const taken = newName();
    const isMine = await this.#attempt('rename', name, () => folder.rename(name, taken));
    if (isMine) this.#waiting.rename(name, taken);
    else this.#waiting.forget(name);
    return isMine ? taken : undefined;
  }

  async #unreadable(name: string, err: Error, bytes: number): Promise<void> {
    const { folder, limiter } = this.#parts;
    if (err instanceof UnknownSpoolVersionError) {
      this.#waiting.defer(name, this.#parts.clock.monotonicMs());
      this.stats.filesNewer += 1;
      limiter.warn(
        'usage: spool file of a newer version left in place: start that version within 24 h',
        { err, file: name },
        name,
      );
      return;
    }
    if (!(err instanceof DamagedSpoolFileError)) throw err;
    const isSetAside = await this.#succeeds('setAside', name, () => folder.setAside(name));
    this.#waiting.forget(name);
    if (!isSetAside) return;
    this.stats.filesDamaged += 1;
    limiter.error(
      'usage: damaged spool file kept as .damaged; its usage is not stored',
      { err, bytes, file: name },
      name,
    );
  }

  /** Resolves with the rows that the store refused. */
  async #saveAll(rows: readonly UsageRow[]): Promise<readonly UsageRow[] | typeof STORE_AWAY> {
    const { isStoreReady, save } = this.#parts;
    const refused: UsageRow[] = [];
    for (let from = 0; from < rows.length; from += SAVE_BATCH_ROWS) {
      const batch = rows.slice(from, from + SAVE_BATCH_ROWS);
      if (!isStoreReady()) return STORE_AWAY;
      const outcome = await save(batch);
      if (outcome.kind === 'failed') return STORE_AWAY;
      refused.push(...outcome.refused);
      this.stats.rowsRead += batch.length - outcome.refused.size;
      // Where all of the first rows are refused, the rest is not tried either: the file is deferred as a whole.
      if (refused.length === SAVE_BATCH_ROWS && from === 0) return rows;
    }
    return refused;
  }

  /** @returns whether the file may go now, since what was refused is durable elsewhere */
  async #leave(name: string, rows: readonly UsageRow[], before: number): Promise<boolean> {
    const { folder, clock, newName } = this.#parts;
    const nowMs = clock.monotonicMs();
    this.#waiting.defer(name, nowMs);
    const [row] = rows;
    if (row === undefined || rows.length === before) return false;
    const rest = newName();
    const encoder = new SpoolFileEncoder(row.writerId);
    encoder.add(rows);
    const isWritten = await this.#succeeds('write', rest, () =>
      folder.write(rest, encoder.finish()),
    );
    if (!isWritten) return false;
    this.#waiting.rename(name, rest);
    return true;
  }

  async #succeeds(
    operation: keyof typeof FAILURES,
    file: string,
    work: () => Promise<void>,
  ): Promise<boolean> {
    const done = await this.#attempt(operation, file, () => work().then(() => true));
    return done ?? false;
  }

  async #attempt<T>(
    operation: keyof typeof FAILURES,
    file: string,
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.stats.filesFailed += 1;
      this.#parts.limiter.error(FAILURES[operation], { err: asError(error), file }, file);
      return undefined;
    }
  }
}
