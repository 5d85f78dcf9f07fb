import { describe, expect, it } from 'vitest';
import { StoreSetupError } from '../../errors.ts';
import { checkKeyspacesTables, isAmazonKeyspaces } from './keyspaces.ts';

type Client = Parameters<typeof isAmazonKeyspaces>[0];

/** Answers as Amazon Keyspaces does, by its own documentation; without properties as Cassandra does. */
function client(properties?: Readonly<Record<string, { readonly status: string }>>): Client {
  const answers = (query: string): object[] => {
    if (properties === undefined) return [];
    if (query.includes('FROM system_schema.keyspaces')) return [{}];
    return [
      { table_name: 'registrations', custom_properties: {} },
      { table_name: 'usage', custom_properties: properties },
    ];
  };
  return { execute: async (query: string) => ({ rows: answers(query) }) } as unknown as Client;
}

const ENABLED = { status: 'enabled' };

describe('Amazon Keyspaces', () => {
  it('is known by a keyspace of its own', async () => {
    expect(await isAmazonKeyspaces(client({}))).toBe(true);
    expect(await isAmazonKeyspaces(client())).toBe(false);
  });

  it('with tables that keep the accounts is taken, as everything else is', async () => {
    const both = { client_side_timestamps: ENABLED, ttl: ENABLED, point_in_time_recovery: ENABLED };
    await checkKeyspacesTables(client(both), 'streaming_service');
    await checkKeyspacesTables(client(), 'streaming_service');
  });

  it.each([
    [{}, 'client_side_timestamps and ttl'],
    [{ ttl: ENABLED }, 'client_side_timestamps'],
    [{ client_side_timestamps: ENABLED, ttl: { status: 'disabled' } }, 'ttl'],
  ])('with %o is refused by one line', async (properties, lacking) => {
    const checking = checkKeyspacesTables(client(properties), 'streaming_service');
    await expect(checking).rejects.toBeInstanceOf(StoreSetupError);
    await expect(checking).rejects.toThrow(`made with ${lacking} enabled, see docs/stores.md`);
  });
});
