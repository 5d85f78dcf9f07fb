import { asError } from '../../../shared/errors.ts';
import type { WriterId } from '../../../shared/ids.ts';
import type { LogLimiter } from '../../../shared/logger.ts';
import type { UsageRow } from '../../../shared/store/store.ts';
import type { SpooledFile, UsageCell } from '../usage-cell.ts';
import { SpoolFileEncoder } from './spool-file.ts';
import type { SpoolFolder } from './spool-folder.ts';
import type { SpoolLease } from './spool-lease.ts';

/** Rows encoded in one turn of the event loop. */
const SLICE_ROWS = 256;

/** Whether the last write to the folder succeeded. */
export type SpoolHealth =
  | { readonly kind: 'writable' }
  | { readonly kind: 'unwritable'; readonly reason: string };

interface SpoolParts {
  readonly folder: SpoolFolder;
  /** What this process's files are named after. */
  readonly owner: string;
  readonly lease: SpoolLease;
  readonly limiter: LogLimiter;
  /** A name for a file of this process's, never used before. */
  readonly newName: () => string;
}

/**
 * The durable copy of what the store has not taken: a log of files, each with the rows that were due when it was
 * written. A file stays while any of its cells has no newer copy, in a later file or in the store; the last one to go
 * takes it along.
 */
export class Spool {
  readonly stats = { rowsWritten: 0, writeFailures: 0 };
  readonly #parts: SpoolParts;
  readonly #files = new Map<string, SpooledFile>();
  readonly #removing = new Set<Promise<void>>();
  #health: SpoolHealth = { kind: 'writable' };

  constructor(parts: SpoolParts) {
    this.#parts = parts;
  }

  get files(): number {
    return this.#files.size;
  }

  get health(): SpoolHealth {
    return this.#health;
  }

  /** Whether this process has the file's cells in memory: then no reader need look at it. */
  owns(name: string): boolean {
    return this.#files.has(name);
  }

  /** Tries whether the folder takes a file, so that this is known before one is needed. */
  async probe(): Promise<void> {
    const { folder, owner } = this.#parts;
    await folder.probe(owner).then(
      () => this.#succeeded(),
      (error) => this.#failed(error),
    );
  }

  /** Writes the cells as they are now, a file for each writer. Resolves with whether all are durable; never rejects. */
  async write(cells: readonly UsageCell[]): Promise<boolean> {
    const writers = Map.groupBy(cells, (cell) => cell.writerId);
    let areDurable = true;
    for (const [writerId, ofWriter] of writers) {
      if (!(await this.#writeFile(writerId, ofWriter))) areDurable = false;
    }
    return areDurable;
  }

  /** The cell needs its copy no more. */
  forget(cell: UsageCell): void {
    const file = cell.copy;
    if (file === undefined) return;
    cell.copy = undefined;
    cell.spooledMs = 0;
    file.cells.delete(cell);
    this.#removeIfEmpty(file);
  }

  /** The oldest file that holds a cell of which this is true. */
  oldestWith(isWanted: (cell: UsageCell) => boolean): SpooledFile | undefined {
    for (const file of this.#files.values()) {
      for (const cell of file.cells) if (isWanted(cell)) return file;
    }
    return undefined;
  }

  /** Leaves the file to the readers: from now on its cells have no copy that this process looks after. */
  release(file: SpooledFile): void {
    this.#files.delete(file.name);
    for (const cell of file.cells) {
      cell.copy = undefined;
      cell.spooledMs = 0;
    }
  }

  /** Resolves when the removals under way have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#removing);
  }

  async #writeFile(writerId: WriterId, cells: readonly UsageCell[]): Promise<boolean> {
    const { folder, lease, newName } = this.#parts;
    const file: SpooledFile = { name: newName(), cells: new Set() };
    this.#files.set(file.name, file);
    try {
      await lease.hold();
      const { bytes, rows } = await encode(writerId, cells);
      await folder.write(file.name, bytes);
      this.stats.rowsWritten += rows.size;
      for (const [cell, row] of rows) this.#attach(cell, row, file);
      this.#removeIfEmpty(file);
      this.#succeeded();
      return true;
    } catch (error) {
      this.#files.delete(file.name);
      this.stats.writeFailures += 1;
      this.#failed(error);
      return false;
    }
  }

  #attach(cell: UsageCell, row: UsageRow, file: SpooledFile): void {
    // Dated anew meanwhile: then it needs another file.
    if (!cell.isKeyOf(row)) return;
    this.forget(cell);
    if (cell.storedMs >= row.deliveredMs) return;
    cell.copy = file;
    cell.spooledMs = row.deliveredMs;
    file.cells.add(cell);
  }

  #removeIfEmpty(file: SpooledFile): void {
    if (file.cells.size > 0 || !this.#files.delete(file.name)) return;
    const { folder, limiter } = this.#parts;
    const removal = folder
      .remove(file.name)
      .catch((error) =>
        limiter.warn('usage: a spool file cannot be removed', {
          err: asError(error),
          file: file.name,
        }),
      )
      .finally(() => this.#removing.delete(removal));
    this.#removing.add(removal);
  }

  #succeeded(): void {
    if (this.#health.kind === 'unwritable') {
      this.#parts.limiter.warn('usage: USAGE_SPOOL_DIR can be written again');
    }
    this.#health = { kind: 'writable' };
  }

  #failed(error: unknown): void {
    const { folder, limiter } = this.#parts;
    const err = asError(error);
    this.#health = { kind: 'unwritable', reason: err.message };
    const message =
      'usage: cannot write USAGE_SPOOL_DIR: if the store fails now, usage is in memory only and lost at a stop';
    limiter.error(message, { err, folder: folder.path });
  }
}

/** A file of the cells, and the rows that it holds. */
async function encode(writerId: WriterId, cells: readonly UsageCell[]) {
  const encoder = new SpoolFileEncoder(writerId);
  const rows = new Map<UsageCell, UsageRow>();
  for (let from = 0; from < cells.length; from += SLICE_ROWS) {
    if (from > 0) await new Promise((resolve) => setImmediate(resolve));
    const slice = cells.slice(from, from + SLICE_ROWS).filter((cell) => cell.writerId === writerId);
    for (const cell of slice) rows.set(cell, cell.toRow(false));
    encoder.add(slice);
  }
  return { bytes: encoder.finish(), rows };
}
