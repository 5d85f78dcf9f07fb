import { type Config, loadConfig } from '../../shared/config.ts';
import { ConfigError, StoreSetupError } from '../../shared/errors.ts';

/** `npm run schema`: makes what the store named by STORE needs. Safe to repeat, and at once from several places. */

async function applySchema(config: Config): Promise<void> {
  switch (config.STORE) {
    case 'sqlite':
      return console.log('sqlite makes its tables itself');
    case 'cassandra': {
      const { applyCassandraSchema } = await import('./apply-schema.ts');
      return applyCassandraSchema(config, console.log);
    }
    case 'dynamodb': {
      const { createDynamoDbTables } = await import('../../shared/store/dynamodb-tables.ts');
      return createDynamoDbTables(config.DYNAMODB_TABLE_PREFIX, console.log);
    }
  }
}

try {
  await applySchema(loadConfig(process.env));
} catch (error) {
  const { message, stack } = error as Error;
  const foreseen = error instanceof ConfigError || error instanceof StoreSetupError;
  console.error(foreseen ? message : stack);
  process.exitCode = 1;
}
