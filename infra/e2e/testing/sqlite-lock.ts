import { DatabaseSync } from 'node:sqlite';

/** Holds a SQLite file's write lock, as a stuck process would: it can be read, but takes no row. */
export function lockSqlite(path: string): { unlock(): void } {
  const database = new DatabaseSync(path, { timeout: 10_000 });
  database.exec('BEGIN IMMEDIATE');
  return {
    unlock() {
      database.exec('ROLLBACK');
      database.close();
    },
  };
}
