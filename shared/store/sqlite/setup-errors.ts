import type { SetupError } from '../setup-errors.ts';
import { SQLITE, type SqliteCode } from './protocol.ts';
import type { SqliteConfig } from './settings.ts';

/** SQLite's codes, ours, and those of the file system. A lock, a full disk or one that fails is not among them. */
const CODES: readonly SqliteCode[] = [
  SQLITE.PERM,
  SQLITE.READONLY,
  SQLITE.CORRUPT,
  SQLITE.AUTH,
  SQLITE.NOTADB,
  'SCHEMA_VERSION',
  ...['EACCES', 'EEXIST', 'EISDIR', 'ENOTDIR', 'EPERM', 'EROFS'],
];

/** Mistakes in the settings that waiting does not mend. */
export const SQLITE_SETUP_ERRORS: readonly SetupError<SqliteConfig>[] = [
  {
    when: ({ code }) => CODES.includes(code as SqliteCode),
    say: ({ SQLITE_PATH }) => `SQLITE_PATH=${SQLITE_PATH} cannot be opened`,
  },
];
