import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { wallClockMs } from '../../clock.ts';
import { RowRefusedError } from '../../errors.ts';
import { type EdgeAddress, type Minute, minuteOf, type UserId } from '../../ids.ts';
import { STORE_SAVE_TIMEOUT_MS } from '../../limits.ts';
import type { OpenOptions } from '../engine.ts';
import { firstLivingMinute, livingRows } from '../row-life.ts';
import type { ChannelUsage, RefusedRow, Store, UsageRow } from '../store.ts';
import { UsageSum } from '../usage-sum.ts';
import { SqliteConnection } from './connection.ts';
import type { PageEnd } from './protocol.ts';

export interface SqliteOptions extends OpenOptions {
  /** The database's file; it and its folder are made where they lack. */
  readonly path: string;
}

/** How often the file is looked at when nobody asks: whether it is still the one that was opened. */
const LOOK_MS = 1_000;
/** How often expired rows are deleted: those that were expired at so many sweeps, since a clock may yet be put right. */
const SWEEP_MS = 60_000;
const SWEEPS_AGREEING = 60;

/**
 * Two connections, since a reader of a WAL file never waits for its writers: a save that waits for another
 * process's lock delays neither look-ups nor the event loop.
 */
class SqliteStore implements Store {
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #now: () => number;
  readonly #timers: NodeJS.Timeout[] = [];
  /** The first minute whose rows had not expired, at each of the last sweeps. */
  readonly #firstLiving: Minute[] = [];
  #isSweeping = false;

  constructor(writer: SqliteConnection, reader: SqliteConnection, now: () => number) {
    this.#writer = writer;
    this.#reader = reader;
    this.#now = now;
  }

  /** Begins to look after the file, once it is open. */
  start(): void {
    const look = () => this.#reader.request({ op: 'ping' }).catch(() => {});
    this.#timers.push(
      setInterval(look, LOOK_MS),
      setInterval(() => this.#sweep(), SWEEP_MS),
    );
    for (const timer of this.#timers) timer.unref();
    this.#sweep();
  }

  async register(userId: UserId): Promise<void> {
    await this.#writer.request({ op: 'register', userId });
  }

  async unregister(userId: UserId, minute: Minute): Promise<void> {
    await this.#writer.request({ op: 'unregister', userId, minute: this.#past(minute) });
  }

  forgetUsage(userId: UserId, minute: Minute, since: Minute): Promise<boolean> {
    return this.#writer.request({ op: 'forgetUsage', userId, minute: this.#past(minute), since });
  }

  isRegistered(userId: UserId): Promise<boolean> {
    return this.#reader.request({ op: 'isRegistered', userId });
  }

  /** All rows of a call are one transaction. */
  async saveUsage(rows: readonly UsageRow[]): Promise<readonly RefusedRow[]> {
    const living = livingRows(rows, this.#now());
    if (living.length === 0) return [];
    const refused = await this.#writer.request(
      { op: 'saveUsage', rows: living },
      STORE_SAVE_TIMEOUT_MS,
    );
    return refused.map(([position, reason]) => ({
      row: living[position] as UsageRow,
      error: new RowRefusedError(reason),
    }));
  }

  /** Page by page, so that a user with very many rows holds up no other's request. */
  async readUsage(
    userId: UserId,
    from: Minute,
    signal?: AbortSignal,
  ): Promise<readonly ChannelUsage[]> {
    const sum = new UsageSum(from);
    // Before the first key of the first minute: no id is empty.
    let after: PageEnd | undefined = [
      Math.max(from, firstLivingMinute(this.#now())) as Minute,
      '',
      '',
    ];
    while (after !== undefined) {
      signal?.throwIfAborted();
      const page: { sums: readonly ChannelUsage[]; end: PageEnd | undefined } =
        await this.#reader.request({ op: 'readUsage', userId, from, after });
      sum.addAll(page.sums);
      after = page.end;
    }
    return sum.channels;
  }

  async announce(address: EdgeAddress, text: string, lifeSeconds: number): Promise<void> {
    await this.#writer.request({ op: 'announce', address, text, lifeSeconds });
  }

  async withdraw(address: EdgeAddress): Promise<void> {
    await this.#writer.request({ op: 'withdraw', address });
  }

  readAnnouncements(): Promise<readonly string[]> {
    return this.#reader.request({ op: 'readAnnouncements' });
  }

  async ping(): Promise<void> {
    await this.#reader.request({ op: 'ping' });
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    // One after the other: of two that close at the same moment neither is the last, which writes the log back.
    await this.#reader.close();
    await this.#writer.close();
  }

  #past(minute: Minute): Minute {
    return Math.min(minute, minuteOf(this.#now())) as Minute;
  }

  /** A sweep that fails, on a locked file or a full disk, is made up for by the next one. */
  async #sweep(): Promise<void> {
    this.#firstLiving.push(firstLivingMinute(this.#now()));
    if (this.#firstLiving.length <= SWEEPS_AGREEING || this.#isSweeping) return;
    this.#firstLiving.splice(0, this.#firstLiving.length - SWEEPS_AGREEING);
    const firstLiving = Math.min(...this.#firstLiving) as Minute;
    this.#isSweeping = true;
    try {
      while ((await this.#writer.request({ op: 'sweep', firstLiving })) > 0);
    } catch {
    } finally {
      this.#isSweeping = false;
    }
  }
}

/** Makes the folder and the file. Where that fails, the file system's error says why better than SQLite's would. */
async function makeFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a');
  await file.close();
}

/** Functions and edge node may open the same file on one machine. */
export async function openSqlite(options: SqliteOptions): Promise<Store> {
  const { path, now = wallClockMs, lost = () => {} } = options;
  await makeFile(path);
  const writer = new SqliteConnection(path, lost);
  const reader = new SqliteConnection(path, lost);
  const store = new SqliteStore(writer, reader, now);
  try {
    // The writer first: it makes the tables.
    await writer.request({ op: 'open' }, STORE_SAVE_TIMEOUT_MS);
    await reader.request({ op: 'open' }, STORE_SAVE_TIMEOUT_MS);
    store.start();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}
