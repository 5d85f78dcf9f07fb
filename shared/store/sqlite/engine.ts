import { access } from 'node:fs/promises';
import { defineEngine } from '../engine.ts';
import { sqliteRegistrations } from './registrations.ts';
import type { SqliteConfig } from './settings.ts';
import { SQLITE_SETUP_ERRORS } from './setup-errors.ts';
import { openSqlite } from './sqlite-store.ts';

export const sqlite = defineEngine<SqliteConfig>({
  describe: ({ SQLITE_PATH }) => `SQLITE_PATH=${SQLITE_PATH}`,
  isMade: ({ SQLITE_PATH }) =>
    access(SQLITE_PATH).then(
      () => true,
      () => false,
    ),
  open: ({ SQLITE_PATH }, options) => openSqlite({ path: SQLITE_PATH, ...options }),
  async createSchema(_config, say) {
    say('sqlite makes its tables itself');
  },
  registrations: sqliteRegistrations,
  setupErrors: SQLITE_SETUP_ERRORS,
});
