import type { SetupError } from '../setup-errors.ts';
import type { DynamoDbConfig } from './settings.ts';

/** Set where a service gives the credentials: then a failure of it is an outage, and is waited for. */
const IDENTITY_VARIABLES = [
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
] as const;

function hasIdentity(): boolean {
  return IDENTITY_VARIABLES.some((name) => process.env[name]);
}

/** A row for errors of these names. */
function named(names: readonly string[], advice: string): SetupError<DynamoDbConfig> {
  return { when: ({ name }) => names.includes(name), say: () => `DynamoDB: ${advice}` };
}

/** Mistakes in the settings that waiting does not mend. */
export const DYNAMODB_SETUP_ERRORS: readonly SetupError<DynamoDbConfig>[] = [
  {
    when: ({ name }) =>
      (name === 'CredentialsProviderError' || name === 'ExpiredTokenException') && !hasIdentity(),
    say: () =>
      'DynamoDB: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to valid ones, or give this process a role',
  },
  named(['AccessDeniedException'], 'these credentials may not use the tables: grant it'),
  named(
    [
      'IncompleteSignatureException',
      'InvalidSignatureException',
      'MissingAuthenticationTokenException',
      'UnrecognizedClientException',
    ],
    'the credentials are not valid',
  ),
  {
    when: ({ name }) => name === 'ResourceNotFoundException',
    say: ({ DYNAMODB_TABLE_PREFIX }) =>
      `DynamoDB: DYNAMODB_TABLE_PREFIX=${DYNAMODB_TABLE_PREFIX} has no tables, run "npm run schema"`,
  },
  { when: ({ message }) => message.startsWith('Region '), say: () => 'DynamoDB: set AWS_REGION' },
];
