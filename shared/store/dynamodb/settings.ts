import { matching, setting, type Values } from '../../config/setting.ts';

export const DYNAMODB_SETTINGS = {
  DYNAMODB_TABLE_PREFIX: setting(
    matching(/^[\w.-]{1,200}$/, 'letters, digits and . _ -, 200 at most'),
    'streaming-service',
    "Beginning of DynamoDB's table names. Endpoint, region and keys are the AWS SDK's own variables.",
  ),
} as const;

export type DynamoDbConfig = Values<typeof DYNAMODB_SETTINGS>;
