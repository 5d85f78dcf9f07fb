import type { types } from 'cassandra-driver';
import type { UserId } from '../../ids.ts';
import { connectCassandra, reasonOf } from './client.ts';
import type { CassandraConfig } from './settings.ts';

const PAGE_ROWS = 500;
/** A page is read from every node in turn: it takes longer than what a user waits for. */
const PAGE_MS = 10_000;

/** Everybody who is registered, page by page, over a connection of its own. */
export async function* cassandraRegistrations(config: CassandraConfig): AsyncGenerator<UserId[]> {
  const client = await connectCassandra(config, config.DB_NAME, PAGE_MS);
  try {
    let page: types.ResultSet | undefined;
    do {
      const pageState = page?.pageState;
      page = await client.execute('SELECT user_id FROM registrations', [], {
        fetchSize: PAGE_ROWS,
        ...(pageState && { pageState }),
      });
      yield page.rows.map(({ user_id }) => user_id as UserId);
    } while (page.pageState);
  } catch (error) {
    throw reasonOf(error);
  } finally {
    await client.close();
  }
}
