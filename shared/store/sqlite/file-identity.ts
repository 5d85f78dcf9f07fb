import { rmSync, statSync } from 'node:fs';
import { StoreAwayError } from '../../errors.ts';

/** Device and inode; undefined where there is no file. */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

/**
 * The files that a connection has opened. SQLite goes on with them when they are deleted or replaced under it, and
 * confirms what nobody will ever read; so they are looked at before anything is confirmed.
 */
export class FileIdentity {
  readonly #path: string;
  readonly #log: string;
  readonly #opened: string | undefined;
  readonly #openedLog: string | undefined;

  /** To be made once the database and its log are open. */
  constructor(path: string) {
    this.#path = path;
    this.#log = `${path}-wal`;
    this.#opened = identityOf(this.#path);
    this.#openedLog = identityOf(this.#log);
  }

  /**
   * A database that was put in the place of ours must not be opened with our log: SQLite would write its pages into it.
   * @throws StoreAwayError with REPLACED where the path leads to other files than those that were opened
   */
  check(): void {
    const isSame = identityOf(this.#path) === this.#opened;
    const hasOurLog = identityOf(this.#log) === this.#openedLog;
    if (isSame && hasOurLog) return;
    if (hasOurLog)
      for (const suffix of ['-wal', '-shm']) rmSync(this.#path + suffix, { force: true });
    const what = isSame ? `${this.#log} was` : 'the file was';
    throw new StoreAwayError(`${what} deleted or replaced while it was open`, { code: 'REPLACED' });
  }
}
