import { setTimeout as sleep } from 'node:timers/promises';
import {
  BatchWriteItemCommand,
  type BatchWriteItemCommandOutput,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';

/** DynamoDB's own limit of a batch. */
const BATCH_ITEMS = 25;
/** A batch does not fail where the table's throughput is exceeded: it returns what is unprocessed, which is sent again. */
const ATTEMPTS = 6;
const BACKOFF_MS = 50;

/**
 * Puts or deletes the items of one batch, as `inBatches` makes them.
 * @param send sends one request, within the time that its caller has
 * @returns what the table has not taken, however often it was sent
 */
export async function writeBatch(
  table: string,
  batch: readonly WriteRequest[],
  send: (command: BatchWriteItemCommand) => Promise<BatchWriteItemCommandOutput>,
): Promise<readonly WriteRequest[]> {
  let left = [...batch];
  for (let attempt = 1; ; attempt++) {
    const { UnprocessedItems } = await send(
      new BatchWriteItemCommand({ RequestItems: { [table]: left } }),
    );
    left = UnprocessedItems?.[table] ?? [];
    if (left.length === 0 || attempt === ATTEMPTS) return left;
    await sleep(BACKOFF_MS * 2 ** (attempt - 1) * (0.5 + Math.random()));
  }
}

export function inBatches<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / BATCH_ITEMS) }, (_, i) =>
    items.slice(i * BATCH_ITEMS, (i + 1) * BATCH_ITEMS),
  );
}
