import { DatabaseSync } from 'node:sqlite';
import { StoreAwayError } from '../../errors.ts';
import type { ChannelId, EdgeAddress, Minute, UserId } from '../../ids.ts';
import type { UsageRow } from '../store.ts';
import { UsageSum } from '../usage-sum.ts';
import { FileIdentity } from './file-identity.ts';
import { type PageEnd, SQLITE, type SqliteAnswer } from './protocol.ts';

const BUSY_TIMEOUT_MS = 1_000;
const SCHEMA_VERSION = 1;

/** Rows of one page of a reading. Requests of others are answered between two pages. */
const PAGE_ROWS = 5_000;
/** Expired rows deleted at a time: few, so that no save waits long. */
const SWEEP_ROWS = 1_000;

/**
 * Tables that came after version 1, and are no hindrance to it. `forgotten_usage`: of users whose usage was forgotten,
 * the first minute that is told.
 */
const ADDED_TABLES = `
  CREATE TABLE IF NOT EXISTS forgotten_usage (
    user_id TEXT PRIMARY KEY,
    minute INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS edges (
    address TEXT PRIMARY KEY,
    announcement TEXT NOT NULL,
    announced_at REAL NOT NULL,
    life_seconds INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS registrations (user_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS usage (
    user_id TEXT NOT NULL,
    minute INTEGER NOT NULL,
    channel_id TEXT NOT NULL,
    writer_id TEXT NOT NULL,
    delivered_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, minute, channel_id, writer_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS usage_by_minute ON usage (minute);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  const version = database.prepare('PRAGMA user_version').get()?.user_version;
  if (version === SCHEMA_VERSION) {
    tune(database).exec(ADDED_TABLES);
    return database;
  }
  if (version !== 0) {
    const text = `its schema has version ${version}, not ${SCHEMA_VERSION}`;
    throw new StoreAwayError(text, { code: 'SCHEMA_VERSION' });
  }
  tune(database);
  transaction(database, () => database.exec(SCHEMA + ADDED_TABLES));
  return database;
}

/** `synchronous` FULL: a row that was confirmed outlives a power cut. */
function tune(database: DatabaseSync): DatabaseSync {
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  return database;
}

/** IMMEDIATE takes the write lock at once: a transaction that asks for it midway may fail without waiting. */
function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/**
 * Of the one machine's clock, which is every program's here. Should it be set, what was announced before is dead until it
 * is announced again, rather than alive for as long as the clock is off.
 */
const IS_LIVING = "unixepoch('subsec') - announced_at BETWEEN -1 AND life_seconds";

function prepareStatements(database: DatabaseSync) {
  return {
    register: database.prepare('INSERT OR IGNORE INTO registrations (user_id) VALUES (?)'),
    unregister: database.prepare('DELETE FROM registrations WHERE user_id = ?'),
    forget: database.prepare('DELETE FROM usage WHERE user_id = ?'),
    forgetLater: database.prepare(`
      INSERT INTO forgotten_usage (user_id, minute) VALUES (?, ?)
      ON CONFLICT DO UPDATE SET minute = max(minute, excluded.minute)`),
    forgotten: database.prepare('SELECT minute FROM forgotten_usage WHERE user_id = ?'),
    sweepForgotten: database.prepare('DELETE FROM forgotten_usage WHERE minute < ?'),
    isRegistered: database.prepare('SELECT 1 FROM registrations WHERE user_id = ?'),
    save: database.prepare(`
      INSERT INTO usage (user_id, minute, channel_id, writer_id, delivered_ms) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET delivered_ms = max(delivered_ms, excluded.delivered_ms)`),
    sweep: database.prepare(`
      DELETE FROM usage WHERE (user_id, minute, channel_id, writer_id) IN (
        SELECT user_id, minute, channel_id, writer_id FROM usage WHERE minute < ? LIMIT ?)`),
    read: database.prepare(`
      SELECT minute, channel_id AS channelId, writer_id AS writerId, delivered_ms AS deliveredMs
      FROM usage WHERE user_id = ? AND (minute, channel_id, writer_id) > (?, ?, ?)
      ORDER BY minute, channel_id, writer_id LIMIT ${PAGE_ROWS}`),
    announce: database.prepare(`
      INSERT OR REPLACE INTO edges (address, announcement, announced_at, life_seconds)
      VALUES (?, ?, unixepoch('subsec'), ?)`),
    withdraw: database.prepare('DELETE FROM edges WHERE address = ?'),
    forgetDead: database.prepare(`DELETE FROM edges WHERE NOT ${IS_LIVING}`),
    announcements: database.prepare(`SELECT announcement FROM edges WHERE ${IS_LIVING}`),
  };
}

/** SQLite's primary result code: the low byte of the extended one. */
export function primaryCode(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: number };
  return errcode === undefined ? undefined : errcode & 0xff;
}

/** Whether an error is of the one row's values, and not of the database. */
function isOfRow(error: unknown): boolean {
  const code = primaryCode(error);
  return code === undefined || code === SQLITE.CONSTRAINT || code === SQLITE.MISMATCH;
}

interface StoredRow {
  readonly minute: Minute;
  readonly channelId: ChannelId;
  readonly writerId: string;
  readonly deliveredMs: number;
}

/** One connection to the file. Nothing is confirmed or answered of a file that the path does not lead to any more. */
export class SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #files: FileIdentity;

  constructor(path: string) {
    this.#database = openDatabase(path);
    this.#statements = prepareStatements(this.#database);
    // A first reading opens the log.
    this.#statements.isRegistered.get('');
    this.#files = new FileIdentity(path);
  }

  register(userId: UserId): undefined {
    this.#statements.register.run(userId);
    this.#files.check();
  }

  unregister(userId: UserId, minute: Minute): undefined {
    transaction(this.#database, () => {
      this.#statements.unregister.run(userId);
      this.#forget(userId, minute);
    });
    this.#files.check();
  }

  forgetUsage(userId: UserId, minute: Minute, since: Minute): boolean {
    const wasUnregistered = transaction(this.#database, () => {
      const forgotten = this.#statements.forgotten.get(userId)?.minute;
      if (forgotten === undefined || Number(forgotten) < since) return false;
      this.#forget(userId, minute);
      return true;
    });
    this.#files.check();
    return wasUnregistered;
  }

  isRegistered(userId: UserId): boolean {
    const isFound = this.#statements.isRegistered.get(userId) !== undefined;
    this.#files.check();
    return isFound;
  }

  saveUsage(rows: readonly UsageRow[]): SqliteAnswer<'saveUsage'> {
    const refused: [number, string][] = [];
    transaction(this.#database, () => {
      for (const [position, row] of rows.entries()) {
        const { userId, minute, channelId, writerId, deliveredMs } = row;
        try {
          this.#statements.save.run(userId, minute, channelId, writerId, deliveredMs);
        } catch (error) {
          if (!isOfRow(error)) throw error;
          refused.push([position, (error as Error).message]);
        }
      }
    });
    this.#files.check();
    return refused;
  }

  readUsage(
    userId: UserId,
    from: Minute,
    [minute, channelId, writerId]: PageEnd,
  ): SqliteAnswer<'readUsage'> {
    const rows = this.#statements.read.all(userId, minute, channelId, writerId);
    this.#files.check();
    const sum = new UsageSum(from);
    const forgotten = this.#statements.forgotten.get(userId)?.minute as Minute | undefined;
    if (forgotten !== undefined) sum.forgetBefore(forgotten);
    for (const row of rows as unknown as readonly StoredRow[]) {
      sum.add(row.minute, row.channelId, row.deliveredMs);
    }
    const last = rows.length === PAGE_ROWS ? (rows.at(-1) as unknown as StoredRow) : undefined;
    return { sums: sum.channels, end: last && [last.minute, last.channelId, last.writerId] };
  }

  sweep(firstLiving: Minute): number {
    this.#statements.sweepForgotten.run(firstLiving);
    return Number(this.#statements.sweep.run(firstLiving, SWEEP_ROWS).changes);
  }

  announce(address: EdgeAddress, text: string, lifeSeconds: number): undefined {
    transaction(this.#database, () => {
      this.#statements.forgetDead.run();
      this.#statements.announce.run(address, text, lifeSeconds);
    });
    this.#files.check();
  }

  withdraw(address: EdgeAddress): undefined {
    this.#statements.withdraw.run(address);
    this.#files.check();
  }

  readAnnouncements(): string[] {
    const rows = this.#statements.announcements.all();
    this.#files.check();
    return rows.map(({ announcement }) => String(announcement));
  }

  ping(): undefined {
    this.#statements.isRegistered.get('');
    this.#files.check();
  }

  close(): undefined {
    this.#database.close();
  }

  #forget(userId: UserId, minute: Minute): void {
    this.#statements.forget.run(userId);
    this.#statements.forgetLater.run(userId, minute);
  }
}
