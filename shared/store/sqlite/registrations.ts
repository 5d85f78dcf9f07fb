import { DatabaseSync } from 'node:sqlite';
import type { UserId } from '../../ids.ts';
import type { SqliteConfig } from './settings.ts';

const BUSY_TIMEOUT_MS = 1_000;
const PAGE_ROWS = 500;

/** Everybody who is registered, page by page; the file is only read, and services may use it meanwhile. */
export async function* sqliteRegistrations({
  SQLITE_PATH,
}: SqliteConfig): AsyncGenerator<UserId[]> {
  const database = new DatabaseSync(SQLITE_PATH, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    const page = database.prepare(
      `SELECT user_id FROM registrations WHERE user_id > ? ORDER BY user_id LIMIT ${PAGE_ROWS}`,
    );
    let after = '';
    for (;;) {
      const ids = page.all(after).map(({ user_id }) => user_id as UserId);
      if (ids.length > 0) yield ids;
      if (ids.length < PAGE_ROWS) return;
      after = ids.at(-1) ?? '';
    }
  } finally {
    database.close();
  }
}
