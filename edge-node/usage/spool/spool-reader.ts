import type { Clock } from '../../../shared/clock.ts';
import { SAVE_BATCH_ROWS, SPOOL_UNFINISHED_MS } from '../../../shared/limits.ts';
import type { LogLimiter } from '../../../shared/logger.ts';
import type { UsageRow } from '../../../shared/store/store.ts';
import { firstMinuteOf } from '../../../shared/usage-window.ts';
import { DamagedSpoolFileError, decodeSpoolFile } from './spool-file.ts';
import type { SpoolFolder } from './spool-folder.ts';

interface ReaderParts {
  readonly folder: SpoolFolder;
  readonly clock: Clock;
  readonly log: LogLimiter;
  /** Files to leave alone. */
  readonly skips: (name: string) => boolean;
  /** A rejection ends the pass. */
  readonly save: (rows: readonly UsageRow[]) => Promise<void>;
}

/**
 * Brings into the store what writers have left in the spool folder, whoever they were: this process's earlier lives,
 * others that share the folder. A file that is read twice counts once, since its values are absolute; it is removed
 * by the one name that was read, once the store has all of it.
 */
export class SpoolReader {
  readonly stats = { filesRead: 0, rowsRead: 0, rowsTooOld: 0, filesDamaged: 0, filesFailed: 0 };
  readonly #parts: ReaderParts;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  /** Reads every file once. A file or folder that fails is logged and left for the next pass. */
  async pass(): Promise<void> {
    const { folder, clock, skips } = this.#parts;
    const names = await this.#attempt(folder.path, async () => {
      await folder.sweep(clock.epochMs() - SPOOL_UNFINISHED_MS);
      return folder.list();
    });
    for (const name of names ?? []) if (!skips(name)) await this.#readFile(name);
  }

  async #readFile(name: string): Promise<void> {
    const { folder } = this.#parts;
    const bytes = await this.#attempt(name, () => folder.read(name));
    if (bytes === undefined) return;
    try {
      await this.#saveAll(decodeSpoolFile(bytes));
    } catch (error) {
      if (!(error instanceof DamagedSpoolFileError)) throw error;
      await this.#attempt(name, () => folder.setAside(name));
      this.stats.filesDamaged += 1;
      const fields = { err: error.message, bytes: bytes.length };
      this.#parts.log.error(`usage: the damaged spool file ${name} was set aside`, fields);
      return;
    }
    await this.#attempt(name, () => folder.remove(name));
    this.stats.filesRead += 1;
  }

  async #saveAll(rows: Iterable<UsageRow>): Promise<void> {
    let batch: UsageRow[] = [];
    for (const row of rows) {
      if (row.minute < firstMinuteOf(this.#parts.clock.epochMs())) {
        this.stats.rowsTooOld += 1;
        continue;
      }
      batch.push(row);
      if (batch.length === SAVE_BATCH_ROWS) {
        await this.#save(batch);
        batch = [];
      }
    }
    if (batch.length > 0) await this.#save(batch);
  }

  async #save(rows: readonly UsageRow[]): Promise<void> {
    await this.#parts.save(rows);
    this.stats.rowsRead += rows.length;
  }

  async #attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.stats.filesFailed += 1;
      const fields = { err: String(error), file: what };
      this.#parts.log.error('usage: the spool cannot be read', fields);
      return undefined;
    }
  }
}
