import type { Engine } from '../engine.ts';
import type { SqliteConfig } from './settings.ts';
import { openSqlite } from './sqlite-store.ts';

export const sqlite: Engine<SqliteConfig> = {
  describe: ({ SQLITE_PATH }) => `SQLITE_PATH=${SQLITE_PATH}`,
  open: ({ SQLITE_PATH }, { now } = {}) => openSqlite({ path: SQLITE_PATH, ...(now && { now }) }),
  async createSchema(_config, say) {
    say('sqlite makes its tables itself');
  },
};
