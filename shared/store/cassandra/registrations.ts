import type { UserId } from '../../ids.ts';
import { connectCassandra } from './client.ts';
import type { CassandraConfig } from './settings.ts';

const PAGE_ROWS = 500;
/** A page is read from every node in turn: it takes longer than what a user waits for. */
const PAGE_MS = 10_000;

/** Everybody who is registered, page by page, over a connection of its own. */
export async function* cassandraRegistrations(config: CassandraConfig): AsyncGenerator<UserId[]> {
  const client = await connectCassandra(config, config.DB_NAME, PAGE_MS);
  try {
    const pages = client.pages('SELECT user_id FROM registrations', [], PAGE_ROWS);
    for await (const rows of pages) yield rows.map(({ user_id }) => user_id as UserId);
  } finally {
    await client.close();
  }
}
