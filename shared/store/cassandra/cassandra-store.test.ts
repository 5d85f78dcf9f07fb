import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePorts } from '../../../infra/local/free-ports.ts';
import { makeTestStore, type TestStore, testEndpoint } from '../../../infra/local/test-stores.ts';
import type { Config } from '../../config.ts';
import { StoreSetupError } from '../../errors.ts';
import { minuteOf, type UserId } from '../../ids.ts';
import { expiryMs } from '../row-life.ts';
import { usageRow as row } from '../testing/usage-row.ts';
import { applyCassandraSchema } from './apply-schema.ts';
import { openCassandra } from './cassandra-store.ts';
import { connectCassandra } from './client.ts';
import { cassandra } from './engine.ts';

/** What tests change in the schema may take a busy machine as long. */
const CHANGE_MS = 20_000;

describe.skipIf(!testEndpoint('cassandra'))('on Cassandra', () => {
  let keyspace: TestStore;
  let config: Config;
  beforeAll(async () => {
    keyspace = await makeTestStore('cassandra');
    config = keyspace.config;
  });
  afterAll(() => keyspace.remove());

  async function query(cql: string, params: unknown[] = []) {
    const client = await connectCassandra(config, config.DB_NAME, CHANGE_MS);
    try {
      return (await client.execute(cql, params, { prepare: false })).rows;
    } finally {
      await client.close();
    }
  }

  describe('a row', () => {
    test('carries its value in its write time, and expires by its minute', async () => {
      const userId = 'ttl' as UserId;
      const minute = minuteOf(Date.now() - 3_600_000);
      const before = Date.now();
      const store = await openCassandra(config);
      const save = () => store.saveUsage([row({ userId, minute, deliveredMs: 12_345 })]);
      await vi.waitFor(async () => expect(await save()).toEqual([]), CHANGE_MS);
      await store.close();
      const [found] = await query(
        'SELECT TTL(delivered_ms) AS ttl, WRITETIME(delivered_ms) AS time FROM usage WHERE user_id = ?',
        [userId],
      );
      expect(Number(found!.time)).toBe(minute * 60_000_000 + 12_345);
      expect(found!.ttl).toBeLessThanOrEqual(Math.ceil((expiryMs(minute) - before) / 1000));
      expect(found!.ttl).toBeGreaterThanOrEqual((expiryMs(minute) - Date.now()) / 1000 - 1);
    });

    test('written in the last instant of its life does not live for ever', async () => {
      const userId = 'last-instant' as UserId;
      const minute = minuteOf(Date.now());
      const store = await openCassandra(config, { now: () => expiryMs(minute) - 1 });
      await vi.waitFor(
        async () => expect(await store.saveUsage([row({ userId, minute })])).toEqual([]),
        CHANGE_MS,
      );
      await store.close();
      const count = 'SELECT minute FROM usage WHERE user_id = ?';
      await vi.waitFor(async () => expect(await query(count, [userId])).toEqual([]), 20_000);
    });
  });

  describe('an opening that cannot succeed is one clear line', () => {
    const cases: readonly (readonly [string, Partial<Config>, RegExp])[] = [
      [
        'a data centre without nodes',
        { DB_DATACENTER: 'moon' },
        /^no node of DB_NODES=.* is in DB_DATACENTER=moon/,
      ],
      ['a wrong password', { DB_PASS: 'guess' }, /^DB_USER and DB_PASS are refused/],
      ['a keyspace that is not there', { DB_NAME: 'absent' }, /^DB_NAME=absent .*npm run schema/],
      ['a keyspace without tables', { DB_NAME: 'system' }, /^DB_NAME=system .*npm run schema/],
      ['a file of authorities that is not there', { DB_TLS_CA: '/absent' }, /^DB_TLS_CA=\/absent/],
    ];
    test.each(cases)('%s', async (_, wrong, line) => {
      // A busy machine may take longer than a request has: that is no mistake in the settings, and tried again.
      await vi.waitFor(async () => {
        const opening = cassandra.open({ ...config, ...wrong });
        await expect(opening).rejects.toBeInstanceOf(StoreSetupError);
        await expect(opening).rejects.toThrow(line);
        await expect(opening).rejects.not.toThrow(/\n/);
      }, CHANGE_MS);
    });

    test('a schema older than the program', async () => {
      const old = await makeTestStore('cassandra');
      const client = await connectCassandra(old.config, old.config.DB_NAME, CHANGE_MS);
      await client.execute('TRUNCATE schema_version', [], { prepare: false });
      await client.close();
      await expect(openCassandra(old.config)).rejects.toThrow(
        /^DB_NAME=\w+ has schema version 0, and this program needs 2: run "npm run schema"$/,
      );
      await old.remove();
    });

    test('a user without rights', async () => {
      await query(`CREATE ROLE IF NOT EXISTS stranger WITH PASSWORD = 'x' AND LOGIN = true`);
      const stranger = { ...config, DB_USER: 'stranger', DB_PASS: 'x' };
      const line = /^DB_USER=stranger may not use DB_NAME=.*: grant it/;
      const open = () => expect(cassandra.open(stranger)).rejects.toThrow(line);
      const create = () => expect(cassandra.createSchema(stranger, () => {})).rejects.toThrow(line);
      await vi.waitFor(open, CHANGE_MS);
      await vi.waitFor(create, CHANGE_MS);
    });
  });

  test('nodes that merely do not answer are no mistake in the settings', async () => {
    const [port] = await freePorts(1);
    const nodes = [`127.0.0.1:${port}`, 'nowhere.invalid'];
    const opening = cassandra.open({ ...config, DB_NODES: nodes });
    await expect(opening).rejects.toThrow(
      new RegExp(
        `^no node answers; 127.0.0.1:${port}: connect ECONNREF.*; nowhere.invalid: .*ENOTFOUND`,
      ),
    );
    await expect(opening).rejects.not.toBeInstanceOf(StoreSetupError);
  });

  test('one node that answers is enough', async () => {
    const [port] = await freePorts(1);
    const nodes = [`127.0.0.1:${port}`, ...config.DB_NODES];
    const store = await openCassandra({ ...config, DB_NODES: nodes });
    await store.ping();
    await store.close();
  });

  describe('the schema', () => {
    test('applied from several places at once, and again, is one schema with its rows', async () => {
      const fresh = { ...config, DB_NAME: `${config.DB_NAME}_again` };
      const lines: string[] = [];
      const apply = () => applyCassandraSchema(fresh, (line) => lines.push(line));
      await Promise.all([apply(), apply(), apply()]);
      const store = await openCassandra(fresh);
      await store.saveUsage([row({ deliveredMs: 20 })]);
      await apply();
      expect(await store.readUsage('user' as UserId, minuteOf(0))).toHaveLength(1);
      await store.close();
      expect(lines.filter((line) => line.includes('schema version 1'))).toHaveLength(4);
      await query(`DROP KEYSPACE ${fresh.DB_NAME}`);
    });

    test('a program of today leaves a newer version as it is', async () => {
      await query(
        "INSERT INTO schema_version (part, version) VALUES ('schema', 7) USING TIMESTAMP 7",
      );
      await applyCassandraSchema(config, () => {});
      expect((await query('SELECT version FROM schema_version'))[0]!.version).toBe(7);
      const store = await openCassandra(config);
      await store.close();
    });

    test('a keyspace that an administrator made needs no right to make one', async () => {
      const made = `${config.DB_NAME}_made`;
      const replication = "{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}";
      await query(`CREATE KEYSPACE ${made} WITH replication = ${replication}`);
      await query(`CREATE ROLE ${made} WITH PASSWORD = 'x' AND LOGIN = true`);
      await query(`GRANT ALL ON KEYSPACE ${made} TO ${made}`);
      const limited = { ...config, DB_NAME: made, DB_USER: made, DB_PASS: 'x' };
      await applyCassandraSchema(limited, () => {});
      const store = await openCassandra(limited);
      await store.register('user' as UserId);
      await store.close();
      await query(`DROP KEYSPACE ${made}`);
    });
  });
});
