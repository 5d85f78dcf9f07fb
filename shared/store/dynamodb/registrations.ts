import { ScanCommand } from '@aws-sdk/client-dynamodb';
import type { UserId } from '../../ids.ts';
import { createDynamoDbClient, within } from './client.ts';
import { type Item, tableNames } from './items.ts';
import type { DynamoDbConfig } from './settings.ts';

/** A page is up to 1 MB. */
const PAGE_ATTEMPT_MS = 3_000;
const PAGE_MS = 10_000;

/** Everybody who is registered, page by page. */
export async function* dynamoDbRegistrations({
  DYNAMODB_TABLE_PREFIX,
}: DynamoDbConfig): AsyncGenerator<UserId[]> {
  const client = createDynamoDbClient({ sockets: 1, attemptMs: PAGE_ATTEMPT_MS });
  const { registrations } = tableNames(DYNAMODB_TABLE_PREFIX);
  try {
    let lastKey: Item | undefined;
    do {
      const command = new ScanCommand({
        TableName: registrations,
        ProjectionExpression: 'user_id',
        ConsistentRead: true,
        ExclusiveStartKey: lastKey,
      });
      const page = await within(PAGE_MS, (options) => client.send(command, options));
      yield (page.Items ?? []).map(({ user_id }) => user_id?.S as UserId);
      lastKey = page.LastEvaluatedKey;
    } while (lastKey);
  } finally {
    client.destroy();
  }
}
