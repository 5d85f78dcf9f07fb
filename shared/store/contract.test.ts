import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { describeStore } from './contract.ts';
import { openSqlite } from './sqlite.ts';

const folder = await mkdtemp(join(tmpdir(), 'store-contract-'));
afterAll(() => rm(folder, { recursive: true }));

describeStore('SQLite', (options) =>
  openSqlite({ path: join(folder, 'new', 'store.db'), ...options }),
);
