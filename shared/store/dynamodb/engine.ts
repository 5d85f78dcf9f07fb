import { defineEngine } from '../engine.ts';
import { dynamoDbRegistrations } from './registrations.ts';
import type { DynamoDbConfig } from './settings.ts';
import { DYNAMODB_SETUP_ERRORS } from './setup-errors.ts';
import { createDynamoDbTables, openDynamoDb } from './tables.ts';

export const dynamoDb = defineEngine<DynamoDbConfig>({
  describe: ({ DYNAMODB_TABLE_PREFIX }) => `DYNAMODB_TABLE_PREFIX=${DYNAMODB_TABLE_PREFIX}`,
  open: ({ DYNAMODB_TABLE_PREFIX }, { now }) =>
    openDynamoDb({ tablePrefix: DYNAMODB_TABLE_PREFIX, ...(now && { now }) }),
  createSchema: ({ DYNAMODB_TABLE_PREFIX }, say) =>
    createDynamoDbTables(DYNAMODB_TABLE_PREFIX, say),
  registrations: dynamoDbRegistrations,
  setupErrors: DYNAMODB_SETUP_ERRORS,
});
