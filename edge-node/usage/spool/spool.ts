import { SPOOL_WRITE_TIMEOUT_MS } from '../../../shared/limits.ts';
import type { LogLimiter } from '../../../shared/logger.ts';
import { withTimeout } from '../../../shared/with-timeout.ts';
import type { UsageCell, UsageMeter } from '../meter.ts';
import { SpoolFileEncoder } from './spool-file.ts';
import type { SpoolFolder } from './spool-folder.ts';

/** Rows encoded in one turn of the event loop. */
const SLICE_ROWS = 256;

/** A file of this process's, with the cells whose newest durable copy it holds. */
export interface SpooledFile {
  readonly name: string;
  readonly cells: Set<UsageCell>;
}

interface SpoolParts {
  readonly folder: SpoolFolder;
  readonly meter: UsageMeter;
  readonly log: LogLimiter;
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
  #filesBegun = 0;

  constructor(parts: SpoolParts) {
    this.#parts = parts;
  }

  get files(): number {
    return this.#files.size;
  }

  /** Whether this process answers for the file: then no reader need look at it. */
  owns(name: string): boolean {
    return this.#files.has(name);
  }

  /** Writes the cells as they are now into a new file. Resolves with whether it is durable; never rejects. */
  async write(cells: readonly UsageCell[]): Promise<boolean> {
    const { folder, meter, log } = this.#parts;
    this.#filesBegun += 1;
    const file: SpooledFile = { name: `${meter.writerId}.${this.#filesBegun}`, cells: new Set() };
    this.#files.set(file.name, file);
    try {
      const { bytes, values } = await this.#encode(cells);
      await withTimeout(folder.write(file.name, bytes), SPOOL_WRITE_TIMEOUT_MS);
      this.stats.rowsWritten += cells.length;
      for (const [cell, deliveredMs] of values) this.#attach(cell, deliveredMs, file);
      this.#removeIfEmpty(file);
      return true;
    } catch (error) {
      this.#files.delete(file.name);
      this.stats.writeFailures += 1;
      log.error('usage: the spool cannot be written', { err: String(error), folder: folder.path });
      return false;
    }
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

  /**
   * Leaves the oldest file that holds the last word on any cell to the readers.
   * @returns those cells, and the others of the file, which now are without a copy that this process answers for;
   *   undefined if there is no such file
   */
  release(hasEnded: (cell: UsageCell) => boolean) {
    const isLastWord = (cell: UsageCell) => hasEnded(cell) && cell.spooledMs === cell.deliveredMs;
    for (const file of this.#files.values()) {
      const cells = [...file.cells];
      const left = cells.filter(isLastWord);
      if (left.length === 0) continue;
      const kept = cells.filter((cell) => !isLastWord(cell));
      this.#files.delete(file.name);
      for (const cell of cells) {
        cell.copy = undefined;
        cell.spooledMs = 0;
      }
      return { left, kept };
    }
    return undefined;
  }

  /** Resolves when the removals under way have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#removing);
  }

  async #encode(cells: readonly UsageCell[]) {
    const encoder = new SpoolFileEncoder(this.#parts.meter.writerId);
    const values = new Map<UsageCell, number>();
    for (let from = 0; from < cells.length; from += SLICE_ROWS) {
      if (from > 0) await new Promise((resolve) => setImmediate(resolve));
      const slice = cells.slice(from, from + SLICE_ROWS);
      encoder.add(slice);
      for (const cell of slice) values.set(cell, cell.deliveredMs);
    }
    return { bytes: encoder.finish(), values };
  }

  #attach(cell: UsageCell, deliveredMs: number, file: SpooledFile): void {
    this.forget(cell);
    if (cell.storedMs >= deliveredMs) return;
    cell.copy = file;
    cell.spooledMs = deliveredMs;
    file.cells.add(cell);
  }

  #removeIfEmpty(file: SpooledFile): void {
    if (file.cells.size > 0 || !this.#files.delete(file.name)) return;
    const { folder, log } = this.#parts;
    const removal = folder
      .remove(file.name)
      .catch((error) =>
        log.warn('usage: a spool file cannot be removed', { err: String(error), file: file.name }),
      )
      .finally(() => this.#removing.delete(removal));
    this.#removing.add(removal);
  }
}
