import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { wallClockMs } from '../../clock.ts';
import { StoreAwayError } from '../../errors.ts';
import { type ChannelId, type EdgeAddress, type Minute, minuteOf, type UserId } from '../../ids.ts';
import { STORE_REQUEST_TIMEOUT_MS } from '../../limits.ts';
import { InFlight } from '../in-flight.ts';
import { firstLivingMinute, livingRows } from '../row-life.ts';
import type { ChannelUsage, RefusedRow, Store, UsageRow } from '../store.ts';
import { UsageSum } from '../usage-sum.ts';
import { announcementIn, announcementUpdate, EDGES_KEY, withdrawal } from './announcements.ts';
import { inBatches, writeBatch } from './batch.ts';
import { createDynamoDbClient, within } from './client.ts';
import { expiresAt, FORGOTTEN_KEY, type Item, minuteText, tableNames } from './items.ts';
import { ServerTime } from './server-time.ts';
import { UsageSaver } from './usage-saver.ts';

export interface DynamoDbOptions {
  /** Tables are `<prefix>-registrations` and `<prefix>-usage`. */
  readonly tablePrefix: string;
  /** Milliseconds since the Unix epoch, by which rows expire. */
  readonly now?: () => number;
}

/** Look-ups at once. Whoever asks waits, so an attempt is given up early enough for two more. */
const LOOKUP_SOCKETS = 256;
const LOOKUP_ATTEMPT_MS = 400;
/** A page of a reading is up to 1 MB, which takes its time. */
const PAGE_ATTEMPT_MS = 1_200;

class DynamoDbStore implements Store {
  readonly #client: DynamoDBClient;
  readonly #saver: UsageSaver;
  readonly #tables: ReturnType<typeof tableNames>;
  readonly #now: () => number;
  readonly #serverTime: ServerTime;
  readonly #inFlight = new InFlight();

  constructor({ tablePrefix, now = wallClockMs }: DynamoDbOptions) {
    this.#tables = tableNames(tablePrefix);
    this.#now = now;
    this.#client = createDynamoDbClient({ sockets: LOOKUP_SOCKETS, attemptMs: LOOKUP_ATTEMPT_MS });
    this.#serverTime = new ServerTime(this.#client);
    this.#saver = new UsageSaver(this.#tables.usage);
  }

  async register(userId: UserId): Promise<void> {
    const command = new PutItemCommand({
      TableName: this.#tables.registrations,
      Item: { user_id: { S: userId } },
    });
    await this.#run((options) => this.#client.send(command, options));
  }

  async unregister(userId: UserId, minute: Minute): Promise<void> {
    const command = new DeleteItemCommand({
      TableName: this.#tables.registrations,
      Key: { user_id: { S: userId } },
    });
    await this.#run((options) => this.#client.send(command, options));
    await this.#forget(userId, minute);
  }

  async forgetUsage(userId: UserId, minute: Minute, since: Minute): Promise<boolean> {
    const marker = {
      KeyConditionExpression: 'user_id = :user_id AND row_key = :marker',
      ExpressionAttributeValues: { ':user_id': { S: userId }, ':marker': { S: FORGOTTEN_KEY } },
      ConsistentRead: true,
    };
    let forgotten: number | undefined;
    await this.#inFlight.run(async () => {
      for await (const [item] of this.#pages(marker)) if (item) forgotten = Number(item.minute?.N);
    });
    if (forgotten === undefined || forgotten < since) return false;
    await this.#forget(userId, minute);
    return true;
  }

  async isRegistered(userId: UserId): Promise<boolean> {
    const command = new GetItemCommand({
      TableName: this.#tables.registrations,
      Key: { user_id: { S: userId } },
      ConsistentRead: true,
    });
    const { Item } = await this.#run((options) => this.#client.send(command, options));
    return Item !== undefined;
  }

  saveUsage(rows: readonly UsageRow[]): Promise<readonly RefusedRow[]> {
    return this.#inFlight.run(() => this.#saver.save(livingRows(rows, this.#now())));
  }

  /**
   * Expired rows may stay for days before DynamoDB sweeps them, so the key is bounded from below. They are read from the
   * last on, so that the item that says what is forgotten comes first.
   */
  readUsage(userId: UserId, from: Minute, signal?: AbortSignal): Promise<readonly ChannelUsage[]> {
    const first = Math.max(from, firstLivingMinute(this.#now())) as Minute;
    const query = {
      KeyConditionExpression: 'user_id = :user_id AND row_key >= :from',
      ProjectionExpression: 'row_key, #minute, channel_id, delivered_ms',
      ScanIndexForward: false,
      ExpressionAttributeNames: { '#minute': 'minute' },
      ExpressionAttributeValues: { ':user_id': { S: userId }, ':from': { S: minuteText(first) } },
    };
    return this.#inFlight.run(async () => {
      const sum = new UsageSum(from);
      for await (const items of this.#pages(query, signal)) {
        for (const { row_key, minute, channel_id, delivered_ms } of items) {
          const of = Number(minute?.N) as Minute;
          if (row_key?.S === FORGOTTEN_KEY) sum.forgetBefore(of);
          else sum.add(of, channel_id?.S as ChannelId, Number(delivered_ms?.N));
        }
      }
      return sum.channels;
    });
  }

  async announce(address: EdgeAddress, text: string, lifeSeconds: number): Promise<void> {
    const nowMs = this.#serverTime.epochMs();
    const command = announcementUpdate(this.#tables.usage, address, text, nowMs, lifeSeconds);
    await this.#run((options) => this.#client.send(command, options));
  }

  async withdraw(address: EdgeAddress): Promise<void> {
    const command = withdrawal(this.#tables.usage, address, this.#serverTime.epochMs());
    await this.#run((options) => this.#client.send(command, options));
  }

  readAnnouncements(): Promise<readonly string[]> {
    const query = {
      KeyConditionExpression: 'user_id = :edges',
      ExpressionAttributeValues: { ':edges': { S: EDGES_KEY } },
      ConsistentRead: true,
    };
    return this.#inFlight.run(async () => {
      const texts: string[] = [];
      for await (const items of this.#pages(query)) {
        const nowMs = this.#serverTime.epochMs();
        for (const item of items) {
          const text = announcementIn(item, nowMs);
          if (text !== undefined) texts.push(text);
        }
      }
      return texts;
    });
  }

  async ping(): Promise<void> {
    const command = new ListTablesCommand({ Limit: 1 });
    await this.#run((options) => this.#client.send(command, options));
  }

  async close(): Promise<void> {
    await this.#inFlight.close();
    this.#client.destroy();
    this.#saver.close();
  }

  /**
   * DynamoDB has no tombstones. One item stays for a day, and tells readers which rows to leave out, however late those
   * were written. A `minute` past DynamoDB's own clock would hide what is watched later, so that clock bounds it.
   */
  async #forget(userId: UserId, minute: Minute): Promise<void> {
    const key = { user_id: { S: userId }, row_key: { S: FORGOTTEN_KEY } };
    const first = Math.min(minute, minuteOf(this.#serverTime.epochMs())) as Minute;
    const marker = new UpdateItemCommand({
      TableName: this.#tables.usage,
      Key: key,
      ConditionExpression: 'attribute_not_exists(#minute) OR #minute < :minute',
      UpdateExpression: 'SET #minute = :minute, expires_at = :expires_at',
      ExpressionAttributeNames: { '#minute': 'minute' },
      ExpressionAttributeValues: {
        ':minute': { N: String(first) },
        ':expires_at': expiresAt(first),
      },
    });
    await this.#run((options) => this.#client.send(marker, options)).catch((error: unknown) => {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    });
    const rows = {
      KeyConditionExpression: 'user_id = :user_id AND row_key < :marker',
      ProjectionExpression: 'user_id, row_key',
      ExpressionAttributeValues: { ':user_id': { S: userId }, ':marker': { S: FORGOTTEN_KEY } },
      ConsistentRead: true,
    };
    await this.#inFlight.run(async () => {
      for await (const items of this.#pages(rows)) await this.#delete(items);
    });
  }

  /** One request of a user who waits. */
  #run<T>(send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    return this.#inFlight.run(() => within(STORE_REQUEST_TIMEOUT_MS, send));
  }

  /** The results of a query of the usage table, page by page. */
  async *#pages(
    query: Omit<QueryCommandInput, 'TableName'>,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly Item[], void> {
    let lastKey: Item | undefined;
    do {
      const command = new QueryCommand({
        ...query,
        TableName: this.#tables.usage,
        ExclusiveStartKey: lastKey,
      });
      const send = (options: { readonly abortSignal: AbortSignal }) =>
        this.#client.send(command, { ...options, requestTimeout: PAGE_ATTEMPT_MS });
      const page = await within(STORE_REQUEST_TIMEOUT_MS, send, signal);
      yield page.Items ?? [];
      lastKey = page.LastEvaluatedKey;
    } while (lastKey);
  }

  /** @throws StoreAwayError where the table is at its limit: whoever asked may ask again, and what is gone stays gone */
  async #delete(keys: readonly Item[]): Promise<void> {
    for (const batch of inBatches(keys)) {
      const requests = batch.map((Key) => ({ DeleteRequest: { Key } }));
      const left = await writeBatch(this.#tables.usage, requests, (command) =>
        within(STORE_REQUEST_TIMEOUT_MS, (options) => this.#client.send(command, options)),
      );
      if (left.length === 0) continue;
      throw new StoreAwayError('DynamoDB leaves deletions unprocessed: its table is at its limit');
    }
  }
}

/** Opens the store without checking its tables: no request is sent before the first call, which keeps a Lambda's start short. */
export function createDynamoDbStore(options: DynamoDbOptions): Store {
  return new DynamoDbStore(options);
}
