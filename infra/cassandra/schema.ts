import { type Config, loadConfig } from '../../shared/config.ts';

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
      const { createDynamoDbTables } = await import('../../shared/store/dynamodb/tables.ts');
      return createDynamoDbTables(config.DYNAMODB_TABLE_PREFIX, console.log);
    }
  }
}

try {
  await applySchema(loadConfig(process.env));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
