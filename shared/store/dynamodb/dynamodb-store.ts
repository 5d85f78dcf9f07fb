import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AttributeValue,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { systemClock } from '../../clock.ts';
import { StoreAwayError } from '../../errors.ts';
import type { ChannelId, Minute, UserId } from '../../ids.ts';
import { STORE_REQUEST_TIMEOUT_MS, STORE_SAVE_TIMEOUT_MS } from '../../limits.ts';
import { forEachBounded, InFlight } from '../in-flight.ts';
import { expiryMs, firstLivingMinute, livingRows } from '../row-life.ts';
import type { RefusedRow, Store, UsageEntry, UsageRow } from '../store.ts';

export interface DynamoDbOptions {
  /** Tables are `<prefix>-registrations` and `<prefix>-usage`. */
  readonly tablePrefix: string;
  /** Milliseconds since the Unix epoch, by which rows expire. */
  readonly now?: () => number;
}

export function tableNames(prefix: string) {
  return { registrations: `${prefix}-registrations`, usage: `${prefix}-usage` } as const;
}

/** DynamoDB's own limit of a batch. */
const BATCH_ROWS = 25;
const BATCH_CONCURRENCY = 8;
const UPDATE_CONCURRENCY = 64;
/** A batch is told, not failed, what exceeded the table's throughput: it is tried again so often. */
const BATCH_ATTEMPTS = 6;
const BATCH_BACKOFF_MS = 50;

/** Endpoint, region and credentials come by the SDK's own variables and files. */
export function createDynamoDbClient(): DynamoDBClient {
  return new DynamoDBClient({
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: STORE_REQUEST_TIMEOUT_MS,
      httpAgent: { maxSockets: UPDATE_CONCURRENCY },
      httpsAgent: { maxSockets: UPDATE_CONCURRENCY },
    },
  });
}

/** Digits enough that the order of texts is the order of minutes. */
function minuteText(minute: Minute): string {
  return String(minute).padStart(10, '0');
}

/** Only ever compared: what is in it stands in attributes too. */
function rowKey({ minute, channelId, writerId }: UsageRow): string {
  return `${minuteText(minute)}#${channelId}#${writerId}`;
}

type Item = Record<string, AttributeValue>;

function keyOf(row: UsageRow): Item {
  return { user_id: { S: row.userId }, row_key: { S: rowKey(row) } };
}

/** `expires_at` in seconds: the form that DynamoDB's TTL takes. */
function attributesOf(row: UsageRow) {
  return {
    minute: { N: String(row.minute) },
    channel_id: { S: row.channelId },
    writer_id: { S: row.writerId },
    delivered_ms: { N: String(row.deliveredMs) },
    expires_at: { N: String(Math.ceil(expiryMs(row.minute) / 1_000)) },
  };
}

/** The greatest row of each key: a batch must not hold a key twice. */
function greatestByKey(rows: readonly UsageRow[]): UsageRow[] {
  const greatest = new Map<string, UsageRow>();
  for (const row of rows) {
    const key = `${row.userId} ${rowKey(row)}`;
    const known = greatest.get(key);
    if (known === undefined || row.deliveredMs > known.deliveredMs) greatest.set(key, row);
  }
  return [...greatest.values()];
}

function inBatches<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

/** Every request has its time, in which the SDK repeats it as it sees fit. */
async function within<T>(
  timeoutMs: number,
  send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const abortSignal = AbortSignal.timeout(timeoutMs);
  try {
    return await send({ abortSignal });
  } catch (error) {
    if (!abortSignal.aborted) throw error;
    throw new StoreAwayError(`DynamoDB did not answer within ${timeoutMs} ms`, { cause: error });
  }
}

class DynamoDbStore implements Store {
  readonly #client = createDynamoDbClient();
  readonly #tables: ReturnType<typeof tableNames>;
  readonly #now: () => number;
  readonly #inFlight = new InFlight();

  constructor({ tablePrefix, now = systemClock().epochMs }: DynamoDbOptions) {
    this.#tables = tableNames(tablePrefix);
    this.#now = now;
  }

  async register(userId: UserId): Promise<void> {
    const command = new PutItemCommand({
      TableName: this.#tables.registrations,
      Item: { user_id: { S: userId } },
    });
    await this.#inFlight.run(() =>
      within(STORE_REQUEST_TIMEOUT_MS, (options) => this.#client.send(command, options)),
    );
  }

  async isRegistered(userId: UserId): Promise<boolean> {
    const command = new GetItemCommand({
      TableName: this.#tables.registrations,
      Key: { user_id: { S: userId } },
      ConsistentRead: true,
    });
    const { Item } = await this.#inFlight.run(() =>
      within(STORE_REQUEST_TIMEOUT_MS, (options) => this.#client.send(command, options)),
    );
    return Item !== undefined;
  }

  /** A final row is the greatest of its key, so it may replace what is there; any other must be shown to grow. */
  saveUsage(rows: readonly UsageRow[]): Promise<readonly RefusedRow[]> {
    return this.#inFlight.run(async () => {
      const living = greatestByKey(livingRows(rows, this.#now()));
      const batches = inBatches(
        living.filter((row) => row.final),
        BATCH_ROWS,
      );
      await forEachBounded(batches, BATCH_CONCURRENCY, (batch) => this.#put(batch));
      const growing = living.filter((row) => !row.final);
      await forEachBounded(growing, UPDATE_CONCURRENCY, (row) => this.#grow(row));
      return [];
    });
  }

  async #put(rows: readonly UsageRow[]): Promise<void> {
    const table = this.#tables.usage;
    let left: WriteRequest[] = rows.map((row) => ({
      PutRequest: { Item: { ...keyOf(row), ...attributesOf(row) } },
    }));
    for (let attempt = 1; ; attempt++) {
      const command = new BatchWriteItemCommand({ RequestItems: { [table]: left } });
      const { UnprocessedItems } = await within(STORE_SAVE_TIMEOUT_MS, (options) =>
        this.#client.send(command, options),
      );
      left = UnprocessedItems?.[table] ?? [];
      if (left.length === 0) return;
      if (attempt === BATCH_ATTEMPTS) {
        throw new StoreAwayError(`${table} left ${left.length} rows unprocessed ${attempt} times`);
      }
      await sleep(BATCH_BACKOFF_MS * 2 ** (attempt - 1) * (0.5 + Math.random()));
    }
  }

  async #grow(row: UsageRow): Promise<void> {
    const { minute, channel_id, writer_id, delivered_ms, expires_at } = attributesOf(row);
    const command = new UpdateItemCommand({
      TableName: this.#tables.usage,
      Key: keyOf(row),
      ConditionExpression: 'attribute_not_exists(delivered_ms) OR delivered_ms < :delivered_ms',
      UpdateExpression:
        'SET #minute = :minute, channel_id = :channel_id, writer_id = :writer_id, ' +
        'delivered_ms = :delivered_ms, expires_at = :expires_at',
      ExpressionAttributeNames: { '#minute': 'minute' },
      ExpressionAttributeValues: {
        ':minute': minute,
        ':channel_id': channel_id,
        ':writer_id': writer_id,
        ':delivered_ms': delivered_ms,
        ':expires_at': expires_at,
      },
    });
    try {
      await within(STORE_SAVE_TIMEOUT_MS, (options) => this.#client.send(command, options));
    } catch (error) {
      // What is there is as great or greater.
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }

  /** Expired rows may stay for days before DynamoDB sweeps them, so the key is bounded from below. */
  readUsage(userId: UserId, from: Minute): Promise<UsageEntry[]> {
    const first = Math.max(from, firstLivingMinute(this.#now())) as Minute;
    return this.#inFlight.run(async () => {
      const entries: UsageEntry[] = [];
      let lastKey: Item | undefined;
      do {
        const command = new QueryCommand({
          TableName: this.#tables.usage,
          KeyConditionExpression: 'user_id = :user_id AND row_key >= :from',
          ProjectionExpression: '#minute, channel_id, delivered_ms',
          ExpressionAttributeNames: { '#minute': 'minute' },
          ExpressionAttributeValues: {
            ':user_id': { S: userId },
            ':from': { S: minuteText(first) },
          },
          ExclusiveStartKey: lastKey,
        });
        const page = await within(STORE_REQUEST_TIMEOUT_MS, (options) =>
          this.#client.send(command, options),
        );
        for (const item of page.Items ?? []) entries.push(toEntry(item));
        lastKey = page.LastEvaluatedKey;
      } while (lastKey);
      return entries;
    });
  }

  async ping(): Promise<void> {
    const command = new ListTablesCommand({ Limit: 1 });
    await this.#inFlight.run(() =>
      within(STORE_REQUEST_TIMEOUT_MS, (options) => this.#client.send(command, options)),
    );
  }

  async close(): Promise<void> {
    await this.#inFlight.close();
    this.#client.destroy();
  }
}

function toEntry({ minute, channel_id, delivered_ms }: Item): UsageEntry {
  return {
    minute: Number(minute?.N) as Minute,
    channelId: channel_id?.S as ChannelId,
    deliveredMs: Number(delivered_ms?.N),
  };
}

/** The store without a look at its tables: nothing is sent before the first call, as a Lambda function wants it. */
export function createDynamoDbStore(options: DynamoDbOptions): Store {
  return new DynamoDbStore(options);
}
