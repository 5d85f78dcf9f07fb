import './api-docs.ts';
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { buildApp } from '../../functions/app.ts';
import { MemoryStore } from '../../shared/testing/memory-store.ts';

test('functions has its API at /docs where it is started with it, beside all that it has', async () => {
  const app = buildApp({ store: new MemoryStore(), logger: pino({ level: 'silent' }) });
  const page = await app.inject('/docs/');
  expect([page.statusCode, page.headers['content-type']]).toEqual([
    200,
    'text/html; charset=utf-8',
  ]);
  const openapi = readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8');
  expect((await app.inject('/docs/json')).json()).toEqual(JSON.parse(openapi));
  expect((await app.inject('/usage/user-1')).json()).toEqual({ sessions: {} });
  expect((await app.inject('/nowhere')).json().code).toBe('not_found');
});
