import { errors, type QueryOptions, types } from 'cassandra-driver';
import { systemClock } from '../../clock.ts';
import { StoreSetupError } from '../../errors.ts';
import type { ChannelId, Minute, UserId } from '../../ids.ts';
import { MINUTE_MS } from '../../limits.ts';
import type { OpenOptions } from '../engine.ts';
import { forEachBounded, InFlight } from '../in-flight.ts';
import { expiryMs, firstLivingMinute, livingRows } from '../row-life.ts';
import type { RefusedRow, Store, UsageEntry, UsageRow } from '../store.ts';
import { type CassandraClient, connectCassandra, inOneLine } from './client.ts';
import type { CassandraConfig } from './settings.ts';

/** The schema that the statements below are written for. A newer one is fine: schemas only ever grow. */
export const CASSANDRA_SCHEMA_VERSION = 1;

/** Writes under way of one saveUsage call: enough to keep the node busy, few enough for its queue. */
const SAVE_CONCURRENCY = 64;
/** Rows per page of a read: more than a user's day with one device. */
const PAGE_ROWS = 5_000;

const STATEMENTS = {
  version: "SELECT version FROM schema_version WHERE part = 'schema'",
  register: 'INSERT INTO registrations (user_id) VALUES (?)',
  isRegistered: 'SELECT user_id FROM registrations WHERE user_id = ?',
  save: `INSERT INTO usage (user_id, minute, channel_id, writer_id, delivered_ms)
    VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ? AND TTL ?`,
  read: 'SELECT minute, channel_id, delivered_ms FROM usage WHERE user_id = ? AND minute >= ?',
  ping: 'SELECT key FROM system.local',
} as const;

/**
 * Cassandra keeps the cell with the newest write time. The value itself is made part of that time, in microseconds,
 * so the greater value is the newer one, whatever arrives last. It begins at the row's minute, so it is no time in
 * the future, and clocks of writers play no part.
 */
function writeTime({ minute, deliveredMs }: UsageRow): types.Long {
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

  async isRegistered(userId: UserId): Promise<boolean> {
    const found = await this.#inFlight.run(() => this.#execute(STATEMENTS.isRegistered, [userId]));
    return found.rows.length > 0;
  }

  /** One statement a row: rows of one call belong to different users, so to different nodes. */
  async saveUsage(rows: readonly UsageRow[]): Promise<readonly RefusedRow[]> {
    const now = this.#now();
    await this.#inFlight.run(() =>
      forEachBounded(livingRows(rows, now), SAVE_CONCURRENCY, (row) =>
        this.#execute(STATEMENTS.save, [
          row.userId,
          row.minute,
          row.channelId,
          row.writerId,
          row.deliveredMs,
          writeTime(row),
          ttlSeconds(row.minute, now),
        ]),
      ),
    );
    return [];
  }

  readUsage(userId: UserId, from: Minute): Promise<UsageEntry[]> {
    const first = Math.max(from, firstLivingMinute(this.#now()));
    return this.#inFlight.run(async () => {
      const entries: UsageEntry[] = [];
      let page: types.ResultSet | undefined;
      do {
        const pageState = page?.pageState;
        page = await this.#execute(STATEMENTS.read, [userId, first], {
          fetchSize: PAGE_ROWS,
          ...(pageState && { pageState }),
        });
        for (const row of page.rows) entries.push(toEntry(row));
      } while (page.pageState);
      return entries;
    });
  }

  async ping(): Promise<void> {
    await this.#inFlight.run(() => this.#execute(STATEMENTS.ping, []));
  }

  async close(): Promise<void> {
    await this.#inFlight.close();
    await this.#client.close();
  }

  async #execute(
    statement: string,
    params: unknown[],
    options: QueryOptions = {},
  ): Promise<types.ResultSet> {
    try {
      return await this.#client.execute(statement, params, options);
    } catch (error) {
      throw inOneLine(error);
    }
  }
}

function toEntry(row: types.Row): UsageEntry {
  return {
    minute: row.minute as Minute,
    channelId: row.channel_id as ChannelId,
    deliveredMs: row.delivered_ms as number,
  };
}

async function checkVersion(client: CassandraClient, keyspace: string): Promise<void> {
  const version: number = (await client.execute(STATEMENTS.version)).first()?.version ?? 0;
  if (version >= CASSANDRA_SCHEMA_VERSION) return;
  const needed = `and this program needs ${CASSANDRA_SCHEMA_VERSION}: run "npm run schema"`;
  throw new StoreSetupError(`DB_NAME=${keyspace} has schema version ${version}, ${needed}`);
}

/** What the cluster answers where keyspace, tables or rights lack. */
function explain(error: unknown, keyspace: string): unknown {
  if (!(error instanceof errors.ResponseError)) return error;
  switch (error.code) {
    case types.responseErrorCodes.invalid:
    case types.responseErrorCodes.configError:
      return new StoreSetupError(
        `DB_NAME=${keyspace} has no tables: run "npm run schema" (${error.message})`,
        { cause: error },
      );
    case types.responseErrorCodes.unauthorized:
      return new StoreSetupError(`DB_USER may not use DB_NAME=${keyspace}: ${error.message}`, {
        cause: error,
      });
    default:
      return error;
  }
}

/**
 * It is lost once no node answers any more.
 * @throws StoreSetupError with the one line to print when nodes, credentials, data centre, keyspace or schema are
 *   wrong; any other error when the nodes are away
 */
export async function openCassandra(
  config: CassandraConfig,
  { lost = () => {}, now = systemClock().epochMs }: OpenOptions = {},
): Promise<Store> {
  const keyspace = config.DB_NAME;
  let client: CassandraClient | undefined;
  try {
    client = await connectCassandra(config, keyspace);
    client.onceAllAway(lost);
    await checkVersion(client, keyspace);
    return new CassandraStore(client, now);
  } catch (error) {
    await client?.close();
    throw explain(error, keyspace);
  }
}
