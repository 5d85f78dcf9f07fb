import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { monotonicMs, systemClock } from '../../clock.ts';
import { StoreSetupError } from '../../errors.ts';
import type { Minute, UserId } from '../../ids.ts';
import { STORE_REQUEST_TIMEOUT_MS, STORE_SAVE_TIMEOUT_MS } from '../../limits.ts';
import { firstLivingMinute, livingRows } from '../row-life.ts';
import type { RefusedRow, Store, UsageEntry, UsageRow } from '../store.ts';
import type { SqliteMessage, SqliteReply, SqliteRequest, SqliteWorkerData } from './worker.ts';

export interface SqliteOptions {
  /** The database's file; it and its folder are made where they lack. */
  readonly path: string;
  /** Milliseconds since the Unix epoch, by which rows expire. */
  readonly now?: () => number;
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;

class SqliteError extends Error {
  override readonly name = 'SqliteError';
  readonly sqliteCode: number | undefined;
  constructor(message: string, sqliteCode?: number) {
    super(message);
    this.sqliteCode = sqliteCode;
  }

  /** Another process holds the file: it will let go. Everything else that stops an opening stays as it is. */
  get isTransient(): boolean {
    // The low byte is the primary code, the rest tells more of it.
    const primary = (this.sqliteCode ?? 0) & 0xff;
    return primary === SQLITE_BUSY || primary === SQLITE_LOCKED;
  }
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** One connection to the database, in a thread of its own. Requests are answered in the order they came. */
class SqliteConnection {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #nextId = 1;
  #failure: Error | undefined;

  constructor(path: string) {
    const workerData: SqliteWorkerData = { path };
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData });
    this.#worker.on('message', (reply: SqliteReply) => this.#settle(reply));
    this.#worker.on('error', (error: Error) => this.#fail(error));
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#fail(new SqliteError('the store is closed'));
        resolve();
      });
    });
  }

  /** @param timeoutMs the promise rejects past it, and the request is dropped if it was not begun. */
  request(request: SqliteRequest, timeoutMs = STORE_REQUEST_TIMEOUT_MS): Promise<unknown> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new SqliteError(`no answer to ${request.op} in ${timeoutMs} ms`, SQLITE_BUSY));
      }, timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
      const message: SqliteMessage = { id, deadlineMs: monotonicMs() + timeoutMs, request };
      this.#worker.postMessage(message);
    });
  }

  /** Answers what was asked before, then ends the thread. */
  async close(): Promise<void> {
    this.#failure ??= new SqliteError('the store is closed');
    const message: SqliteMessage = {
      id: 0,
      deadlineMs: Number.POSITIVE_INFINITY,
      request: { op: 'close' },
    };
    this.#worker.postMessage(message);
    await this.#exited;
  }

  #settle(reply: SqliteReply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    clearTimeout(waiting.timer);
    if ('error' in reply) waiting.reject(new SqliteError(reply.error, reply.sqliteCode));
    else waiting.resolve(reply.value);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#waiting.clear();
  }
}

/**
 * Two connections, since a reader of a WAL file never waits for its writers: a save that waits for another
 * process's lock delays neither look-ups nor the event loop.
 */
class SqliteStore implements Store {
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #now: () => number;

  constructor(writer: SqliteConnection, reader: SqliteConnection, now: () => number) {
    this.#writer = writer;
    this.#reader = reader;
    this.#now = now;
  }

  async register(userId: UserId): Promise<void> {
    await this.#writer.request({ op: 'register', userId });
  }

  isRegistered(userId: UserId): Promise<boolean> {
    return this.#reader.request({ op: 'isRegistered', userId }) as Promise<boolean>;
  }

  async saveUsage(rows: readonly UsageRow[]): Promise<readonly RefusedRow[]> {
    const now = this.#now();
    const living = livingRows(rows, now);
    if (living.length === 0) return [];
    const firstLiving = firstLivingMinute(now);
    await this.#writer.request(
      { op: 'saveUsage', rows: living, firstLiving },
      STORE_SAVE_TIMEOUT_MS,
    );
    return [];
  }

  readUsage(userId: UserId, from: Minute): Promise<UsageEntry[]> {
    const first = Math.max(from, firstLivingMinute(this.#now())) as Minute;
    return this.#reader.request({ op: 'readUsage', userId, from: first }) as Promise<UsageEntry[]>;
  }

  async ping(): Promise<void> {
    await this.#reader.request({ op: 'ping' });
  }

  async close(): Promise<void> {
    await Promise.all([this.#writer.close(), this.#reader.close()]);
  }
}

/**
 * Functions and edge node may open the same file on one machine.
 * @throws StoreSetupError when the file can never serve; any other error when it is locked just now
 */
export async function openSqlite({
  path,
  now = systemClock().epochMs,
}: SqliteOptions): Promise<Store> {
  const writer = new SqliteConnection(path);
  const reader = new SqliteConnection(path);
  const store = new SqliteStore(writer, reader, now);
  try {
    await mkdir(dirname(path), { recursive: true });
    // The writer first: it makes the tables.
    await writer.request({ op: 'open' }, STORE_SAVE_TIMEOUT_MS);
    await reader.request({ op: 'open' }, STORE_SAVE_TIMEOUT_MS);
    return store;
  } catch (error) {
    await store.close();
    if (error instanceof SqliteError && error.isTransient) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreSetupError(`SQLITE_PATH=${path} cannot be opened: ${reason}`, { cause: error });
  }
}
