import { errors, type QueryOptions, types } from 'cassandra-driver';
import { wallClockMs } from '../../clock.ts';
import { StoreSetupError } from '../../errors.ts';
import { type ChannelId, type EdgeAddress, type Minute, minuteOf, type UserId } from '../../ids.ts';
import { MINUTE_MS } from '../../limits.ts';
import type { OpenOptions } from '../engine.ts';
import { forEachBounded, InFlight } from '../in-flight.ts';
import { expiryMs, firstLivingMinute, livingRows } from '../row-life.ts';
import { saveEach } from '../save-each.ts';
import type { ChannelUsage, RefusedRow, Store, UsageRow } from '../store.ts';
import { UsageSum } from '../usage-sum.ts';
import { type CassandraClient, connectCassandra, unwrapped } from './client.ts';
import { checkKeyspacesTables } from './keyspaces.ts';
import type { CassandraConfig } from './settings.ts';
import { isSetupError } from './setup-errors.ts';

/** The schema that the statements below are written for. A newer one is fine: schemas only ever grow. */
export const CASSANDRA_SCHEMA_VERSION = 2;

/** For one row. A coordinator gives up on a replica after 2 s by default: this is longer, so that its answer is heard. */
const SAVE_TIMEOUT_MS = 3_000;
/** Writes under way of one saveUsage call: enough to keep the node busy, few enough for its queue. */
const SAVE_CONCURRENCY = 64;
/** Rows per page of a read: more than a user's day with one device. */
const PAGE_ROWS = 5_000;

/**
 * In place of a minute, in the row that says which usage is forgotten: `delivered_ms` of it is the first minute that is
 * told. Minutes are kept in descending order, so that whoever reads a user's rows meets it first.
 */
const FORGOTTEN_MINUTE = 2 ** 31 - 1;

const STATEMENTS = {
  version: "SELECT version FROM schema_version WHERE part = 'schema'",
  register: 'INSERT INTO registrations (user_id) VALUES (?)',
  unregister: 'DELETE FROM registrations WHERE user_id = ?',
  serverTime: 'SELECT toUnixTimestamp(now()) AS ms FROM system.local',
  forget: 'DELETE FROM usage USING TIMESTAMP ? WHERE user_id = ?',
  forgetLater: `INSERT INTO usage (user_id, minute, channel_id, writer_id, delivered_ms)
    VALUES (?, ${FORGOTTEN_MINUTE}, '', '', ?) USING TIMESTAMP ? AND TTL ?`,
  forgotten: `SELECT delivered_ms FROM usage
    WHERE user_id = ? AND minute = ${FORGOTTEN_MINUTE} AND channel_id = '' AND writer_id = ''`,
  running: `SELECT minute, channel_id, writer_id, WRITETIME(delivered_ms) AS written_us FROM usage
    WHERE user_id = ? AND minute >= ? AND minute < ${FORGOTTEN_MINUTE}`,
  forgetRow: `DELETE FROM usage USING TIMESTAMP ?
    WHERE user_id = ? AND minute = ? AND channel_id = ? AND writer_id = ?`,
  isRegistered: 'SELECT user_id FROM registrations WHERE user_id = ?',
  save: `INSERT INTO usage (user_id, minute, channel_id, writer_id, delivered_ms)
    VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ? AND TTL ?`,
  read: 'SELECT minute, channel_id, delivered_ms FROM usage WHERE user_id = ? AND minute >= ?',
  announce: "INSERT INTO edges (part, address, announcement) VALUES ('edges', ?, ?) USING TTL ?",
  withdraw: "DELETE FROM edges WHERE part = 'edges' AND address = ?",
  announcements: "SELECT announcement FROM edges WHERE part = 'edges'",
  ping: 'SELECT key FROM system.local',
} as const;

/**
 * Cassandra keeps the cell with the newest write time. The value itself is made part of that time, in microseconds,
 * so the greater value is the newer one, whatever arrives last. It begins at the row's minute, so it is no time in
 * the future, and clocks of writers play no part.
 */
function writeTime({ minute, deliveredMs }: Pick<UsageRow, 'minute' | 'deliveredMs'>): types.Long {
  return types.Long.fromNumber(minute * MINUTE_MS * 1_000 + deliveredMs);
}

/** At least 1: Cassandra takes a TTL of 0 as for ever. */
function ttlSeconds(minute: Minute, nowMs: number): number {
  return Math.max(1, Math.ceil((expiryMs(minute) - nowMs) / 1_000));
}

class CassandraStore implements Store {
  readonly #client: CassandraClient;
  readonly #now: () => number;
  readonly #inFlight = new InFlight();

  constructor(client: CassandraClient, now: () => number) {
    this.#client = client;
    this.#now = now;
  }

  async register(userId: UserId): Promise<void> {
    await this.#inFlight.run(() => this.#execute(STATEMENTS.register, [userId]));
  }

  async unregister(userId: UserId, minute: Minute): Promise<void> {
    await this.#inFlight.run(async () => {
      await this.#execute(STATEMENTS.unregister, [userId]);
      await this.#forget(userId, minute);
    });
  }

  forgetUsage(userId: UserId, minute: Minute, since: Minute): Promise<boolean> {
    return this.#inFlight.run(async () => {
      const found = await this.#execute(STATEMENTS.forgotten, [userId]);
      const forgotten: number | undefined = found.first()?.delivered_ms;
      if (forgotten === undefined || forgotten < since) return false;
      await this.#forget(userId, minute);
      return true;
    });
  }

  async isRegistered(userId: UserId): Promise<boolean> {
    const found = await this.#inFlight.run(() => this.#execute(STATEMENTS.isRegistered, [userId]));
    return found.rows.length > 0;
  }

  /** One statement a row: rows of one call belong to different users, so to different nodes. */
  saveUsage(rows: readonly UsageRow[]): Promise<readonly RefusedRow[]> {
    const now = this.#now();
    const save = (row: UsageRow) =>
      this.#execute(
        STATEMENTS.save,
        [
          row.userId,
          row.minute,
          row.channelId,
          row.writerId,
          row.deliveredMs,
          writeTime(row),
          ttlSeconds(row.minute, now),
        ],
        { readTimeout: SAVE_TIMEOUT_MS },
      );
    return this.#inFlight.run(() =>
      saveEach(livingRows(rows, now), SAVE_CONCURRENCY, save, isOfCluster),
    );
  }

  readUsage(userId: UserId, from: Minute, signal?: AbortSignal): Promise<readonly ChannelUsage[]> {
    const first = Math.max(from, firstLivingMinute(this.#now()));
    return this.#inFlight.run(async () => {
      const sum = new UsageSum(from);
      const pages = this.#client.pages(STATEMENTS.read, [userId, first], PAGE_ROWS, signal);
      for await (const rows of pages) {
        for (const { minute, channel_id, delivered_ms } of rows) {
          if (minute === FORGOTTEN_MINUTE) sum.forgetBefore(delivered_ms as Minute);
          else sum.add(minute as Minute, channel_id as ChannelId, delivered_ms as number);
        }
      }
      return sum.channels;
    });
  }

  async announce(address: EdgeAddress, text: string, lifeSeconds: number): Promise<void> {
    await this.#inFlight.run(() =>
      this.#execute(STATEMENTS.announce, [address, text, lifeSeconds]),
    );
  }

  async withdraw(address: EdgeAddress): Promise<void> {
    await this.#inFlight.run(() => this.#execute(STATEMENTS.withdraw, [address]));
  }

  async readAnnouncements(): Promise<readonly string[]> {
    const found = await this.#inFlight.run(() => this.#execute(STATEMENTS.announcements, []));
    return found.rows.map((row) => row.announcement as string);
  }

  async ping(): Promise<void> {
    await this.#inFlight.run(() => this.#execute(STATEMENTS.ping, []));
  }

  async close(): Promise<void> {
    await this.#inFlight.close();
    await this.#client.close();
  }

  /**
   * Usage is written with its minute as the write time, so a partition delete dated just below a minute takes all rows of
   * earlier ones, also those that arrive later. A date in the future would hide what is watched until then, so the
   * cluster's own clock bounds it. Rows of the running minute are deleted one by one with their own write time: a row that
   * grows comes back. Tombstones are purged soon after gc_grace_seconds, but rows may wait in a spool for a day; so a row
   * with FORGOTTEN_MINUTE tells readers what to leave out.
   */
  async #forget(userId: UserId, minute: Minute): Promise<void> {
    const now = (await this.#execute(STATEMENTS.serverTime, [])).first();
    const first = Math.min(minute, minuteOf(Number(now?.ms))) as Minute;
    const time = writeTime({ minute: first, deliveredMs: 0 });
    const ttl = ttlSeconds(first, this.#now());
    await this.#execute(STATEMENTS.forgetLater, [userId, first, time, ttl]);
    await this.#execute(STATEMENTS.forget, [time.subtract(1), userId]);
    const { rows } = await this.#execute(STATEMENTS.running, [userId, first]);
    await forEachBounded(rows, SAVE_CONCURRENCY, async (row) => {
      const { minute: of, channel_id, writer_id, written_us } = row;
      await this.#execute(STATEMENTS.forgetRow, [written_us, userId, of, channel_id, writer_id]);
    });
  }

  async #execute(
    statement: string,
    params: unknown[],
    options: QueryOptions = {},
  ): Promise<types.ResultSet> {
    try {
      return await this.#client.execute(statement, params, options);
    } catch (error) {
      throw unwrapped(error);
    }
  }
}

/** Whether an error concerns the cluster. Answers of a node to this request, and values that cannot be encoded, do not. */
function isOfCluster(error: Error): boolean {
  const ofRequest = [errors.ResponseError, TypeError, RangeError];
  return !ofRequest.some((kind) => error instanceof kind);
}

/**
 * The version is one row: all of its replicas may be away while those of other rows answer. Then it stays unknown, and a
 * statement fails later if the tables are not as they should be.
 */
async function checkVersion(
  client: CassandraClient,
  keyspace: string,
): Promise<'known' | 'unknown'> {
  const found = await client.execute(STATEMENTS.version).catch((error: Error) => {
    if (isOfCluster(error) || isSetupError(error)) throw error;
    return undefined;
  });
  if (found === undefined) return 'unknown';
  const version: number = found.first()?.version ?? 0;
  if (version >= CASSANDRA_SCHEMA_VERSION) return 'known';
  const needed = `and this program needs ${CASSANDRA_SCHEMA_VERSION}: run "npm run schema"`;
  throw new StoreSetupError(`DB_NAME=${keyspace} has schema version ${version}, ${needed}`);
}

/** Clusters whose schema version this process has checked, by their settings: once is enough. */
const checked = new Set<string>();

/** The store; it is lost once no node answers any more. */
export async function openCassandra(
  config: CassandraConfig,
  { lost = () => {}, now = wallClockMs }: OpenOptions = {},
): Promise<Store> {
  const { DB_NODES, DB_NAME, DB_USER } = config;
  const client = await connectCassandra(config, DB_NAME);
  try {
    client.onceAllAway(lost);
    const cluster = `${DB_USER} ${DB_NODES} ${DB_NAME}`;
    if (!checked.has(cluster) && (await checkVersion(client, DB_NAME)) === 'known') {
      await checkKeyspacesTables(client, DB_NAME);
      checked.add(cluster);
    }
    return new CassandraStore(client, now);
  } catch (error) {
    await client.close();
    throw unwrapped(error);
  }
}
