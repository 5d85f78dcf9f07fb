import type { Config } from '../config.ts';
import type { Logger } from '../logger.ts';
import { openReconnecting } from './reconnecting-store.ts';
import type { Store } from './store.ts';

/**
 * Opens the store that STORE names, and loads no other's code.
 *
 * A store that is merely away does not hold up the start: this resolves all the same. At any time, while the store is
 * away, calls reject, and one line every 10 s says which store is waited for.
 * @throws StoreSetupError with the one line to print, within 15 s, when the store can never serve as it is set
 */
export async function openStore(config: Config, logger: Logger): Promise<Store> {
  switch (config.STORE) {
    case 'sqlite': {
      const { openSqlite } = await import('./sqlite/sqlite-store.ts');
      const path = config.SQLITE_PATH;
      return openReconnecting(
        () => openSqlite({ path }),
        logger,
        `STORE=sqlite SQLITE_PATH=${path}`,
      );
    }
    case 'cassandra': {
      const { openCassandra } = await import('./cassandra/cassandra-store.ts');
      const name = `STORE=cassandra DB_NODES=${config.DB_NODES}`;
      return openReconnecting((lost) => openCassandra(config, { lost }), logger, name);
    }
    case 'dynamodb': {
      const { openDynamoDb } = await import('./dynamodb/tables.ts');
      const tablePrefix = config.DYNAMODB_TABLE_PREFIX;
      const name = `STORE=dynamodb DYNAMODB_TABLE_PREFIX=${tablePrefix}`;
      return openReconnecting(() => openDynamoDb({ tablePrefix }), logger, name);
    }
  }
}
