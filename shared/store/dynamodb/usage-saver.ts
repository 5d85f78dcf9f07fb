import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { SAVE_CONCURRENCY, STORE_SAVE_TIMEOUT_MS } from '../../limits.ts';
import { forEachBounded } from '../in-flight.ts';
import { saveEach } from '../save-each.ts';
import type { RefusedRow, UsageRow } from '../store.ts';
import { inBatches, writeBatch } from './batch.ts';
import { createDynamoDbClient, within } from './client.ts';
import { attributesOf, type Item, keyOf, keyText } from './items.ts';

const BATCH_CONCURRENCY = 8;
/** Updates under way of one call. A throttled update keeps its place, so a table at its limit slows the call down by itself. */
const UPDATE_CONCURRENCY = 64;
/** Two attempts fit into the time of a save. */
const ATTEMPT_MS = 5_000;

/** Names of errors that concern one row, or a rate that was exceeded. Any other error means that DynamoDB is away. */
const OF_ROW = [
  'ItemCollectionSizeLimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'TypeError',
  'ValidationException',
];

function isOfDatabase({ name }: Error): boolean {
  return !OF_ROW.includes(name);
}

/**
 * Writes rows of usage, by a client of its own, so that look-ups never wait behind them. A final row is the greatest of
 * its key, so it may replace what is there, in batches; any other must be shown to grow.
 */
export class UsageSaver {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(table: string) {
    this.#table = table;
    this.#client = createDynamoDbClient({
      sockets: SAVE_CONCURRENCY * UPDATE_CONCURRENCY,
      attemptMs: ATTEMPT_MS,
    });
  }

  async save(rows: readonly UsageRow[]): Promise<readonly RefusedRow[]> {
    const byKey = Map.groupBy(rows, (row) => keyText(keyOf(row)));
    const greatest = [...byKey.values()].map((same) =>
      same.reduce((best, row) => (row.deliveredMs > best.deliveredMs ? row : best)),
    );
    const left = await this.#putAll(greatest.filter(({ final }) => final));
    const growing = [...greatest.filter(({ final }) => !final), ...left];
    const grow = (row: UsageRow) => this.#grow(row);
    const refused = await saveEach(growing, UPDATE_CONCURRENCY, grow, isOfDatabase);
    // Only the greatest row of a key was sent: if it was refused, so were the others of that key.
    return refused.flatMap(({ row, error }) =>
      (byKey.get(keyText(keyOf(row))) ?? []).map((same) => ({ row: same, error })),
    );
  }

  close(): void {
    this.#client.destroy();
  }

  /** Puts rows by batches, and returns those that their batch did not take. */
  async #putAll(rows: readonly UsageRow[]): Promise<UsageRow[]> {
    const left: UsageRow[] = [];
    await forEachBounded(inBatches(rows), BATCH_CONCURRENCY, async (batch) => {
      try {
        left.push(...(await this.#put(batch)));
      } catch (error) {
        if (isOfDatabase(error as Error)) throw error;
        left.push(...batch);
      }
    });
    return left;
  }

  async #put(rows: readonly UsageRow[]): Promise<UsageRow[]> {
    const requests = rows.map((row) => ({
      PutRequest: { Item: { ...keyOf(row), ...attributesOf(row) } },
    }));
    const unprocessed = await writeBatch(this.#table, requests, (command) =>
      within(STORE_SAVE_TIMEOUT_MS, (options) => this.#client.send(command, options)),
    );
    const left = new Set(unprocessed.map(({ PutRequest }) => keyText(PutRequest?.Item as Item)));
    return rows.filter((row) => left.has(keyText(keyOf(row))));
  }

  async #grow(row: UsageRow): Promise<void> {
    const { minute, channel_id, writer_id, delivered_ms, expires_at } = attributesOf(row);
    const command = new UpdateItemCommand({
      TableName: this.#table,
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
}
