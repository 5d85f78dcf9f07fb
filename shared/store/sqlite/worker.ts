import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs } from '../../clock.ts';
import { StoreSetupError } from '../../errors.ts';
import type { Minute, UserId } from '../../ids.ts';
import type { UsageEntry, UsageRow } from '../store.ts';

/**
 * node:sqlite is synchronous, so it has this thread to itself: a locked file or a slow disk holds up nothing but the
 * requests behind it.
 */

/** What the thread can be asked, with its arguments. `firstLiving` is the first minute whose rows are not expired. */
export type SqliteRequest =
  | { readonly op: 'open' }
  | { readonly op: 'register'; readonly userId: UserId }
  | { readonly op: 'isRegistered'; readonly userId: UserId }
  | { readonly op: 'saveUsage'; readonly rows: readonly UsageRow[]; readonly firstLiving: Minute }
  | { readonly op: 'readUsage'; readonly userId: UserId; readonly from: Minute }
  | { readonly op: 'ping' }
  | { readonly op: 'close' };

/** A request whose time is over when its turn comes is not begun: nobody waits for its answer any more. */
export interface SqliteMessage {
  readonly id: number;
  readonly deadlineMs: number;
  readonly request: SqliteRequest;
}

export type SqliteReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string; readonly sqliteCode: number | undefined };

export interface SqliteWorkerData {
  readonly path: string;
}

const BUSY_TIMEOUT_MS = 1_000;
const SCHEMA_VERSION = 1;

/** Expired rows deleted per row saved: more than one, so that a backlog shrinks, and few, so that no save is slow. */
const SWEEP_RATIO = 2;

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
  if (version === SCHEMA_VERSION) return tune(database);
  if (version !== 0)
    throw new StoreSetupError(`its schema has version ${version}, not ${SCHEMA_VERSION}`);
  tune(database);
  transaction(database, () => database.exec(SCHEMA));
  return database;
}

/** `synchronous` FULL: a row that was confirmed outlives a power cut. */
function tune(database: DatabaseSync): DatabaseSync {
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  return database;
}

/** IMMEDIATE takes the write lock at once: a transaction that asks for it midway may fail without waiting. */
function transaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    work();
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function prepareStatements(database: DatabaseSync) {
  return {
    register: database.prepare('INSERT OR IGNORE INTO registrations (user_id) VALUES (?)'),
    isRegistered: database.prepare('SELECT 1 FROM registrations WHERE user_id = ?'),
    save: database.prepare(`
      INSERT INTO usage (user_id, minute, channel_id, writer_id, delivered_ms) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET delivered_ms = max(delivered_ms, excluded.delivered_ms)`),
    sweep: database.prepare(`
      DELETE FROM usage WHERE (user_id, minute, channel_id, writer_id) IN (
        SELECT user_id, minute, channel_id, writer_id FROM usage WHERE minute < ? LIMIT ?)`),
    read: database.prepare(`
      SELECT minute, channel_id AS channelId, delivered_ms AS deliveredMs
      FROM usage WHERE user_id = ? AND minute >= ?`),
  };
}

class SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(path: string) {
    this.#database = openDatabase(path);
    this.#statements = prepareStatements(this.#database);
  }

  register(userId: UserId): void {
    this.#statements.register.run(userId);
  }

  isRegistered(userId: UserId): boolean {
    return this.#statements.isRegistered.get(userId) !== undefined;
  }

  saveUsage(rows: readonly UsageRow[], firstLiving: Minute): void {
    const { save, sweep } = this.#statements;
    transaction(this.#database, () => {
      for (const { userId, minute, channelId, writerId, deliveredMs } of rows) {
        save.run(userId, minute, channelId, writerId, deliveredMs);
      }
      sweep.run(firstLiving, rows.length * SWEEP_RATIO);
    });
  }

  readUsage(userId: UserId, from: Minute): UsageEntry[] {
    return this.#statements.read.all(userId, from) as unknown as UsageEntry[];
  }

  ping(): void {
    this.#statements.isRegistered.get('');
  }

  close(): void {
    this.#database.close();
  }
}

let opened: SqliteDatabase | undefined;

function answer(request: SqliteRequest): unknown {
  if (request.op === 'open') {
    opened = new SqliteDatabase((workerData as SqliteWorkerData).path);
    return undefined;
  }
  if (opened === undefined) return undefined;
  switch (request.op) {
    case 'register':
      return opened.register(request.userId);
    case 'isRegistered':
      return opened.isRegistered(request.userId);
    case 'saveUsage':
      return opened.saveUsage(request.rows, request.firstLiving);
    case 'readUsage':
      return opened.readUsage(request.userId, request.from);
    case 'ping':
      return opened.ping();
    case 'close':
      return opened.close();
  }
}

function reply({ id, deadlineMs, request }: SqliteMessage): SqliteReply {
  if (monotonicMs() > deadlineMs) return { id, error: 'too late', sqliteCode: undefined };
  try {
    return { id, value: answer(request) };
  } catch (error) {
    const { message, errcode } = error as Error & { errcode?: number };
    return { id, error: message, sqliteCode: errcode };
  }
}

parentPort?.on('message', (message: SqliteMessage) => {
  parentPort?.postMessage(reply(message));
  if (message.request.op === 'close') parentPort?.close();
});
