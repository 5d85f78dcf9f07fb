import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EngineUnavailable } from './engines/engine-host.ts';
import { fillOnce } from './kept-folder.ts';

let cache = '';
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'kept-folder-'));
});
afterEach(() => rm(cache, { recursive: true }));

test('two who fill it at once both find it whole, and one copy is left', async () => {
  const folder = join(cache, 'engines', 'nats');
  const bothFill = Promise.withResolvers<void>();
  let filling = 0;
  const fill = async (unfinished: string) => {
    await writeFile(join(unfinished, 'program'), 'whole');
    filling += 1;
    if (filling === 2) bothFill.resolve();
    await bothFill.promise;
  };
  await Promise.all([fillOnce(folder, 'not filled', fill), fillOnce(folder, 'not filled', fill)]);
  expect(readFileSync(join(folder, 'program'), 'utf8')).toBe('whole');
  expect(readdirSync(join(cache, 'engines'))).toEqual(['nats']);
});

test('what fails once is tried once more', async () => {
  const folder = join(cache, 'nats');
  let attempts = 0;
  await fillOnce(folder, 'not filled', async (unfinished) => {
    attempts += 1;
    if (attempts === 1) throw new Error('connection reset');
    await writeFile(join(unfinished, 'program'), 'whole');
  });
  expect(readFileSync(join(folder, 'program'), 'utf8')).toBe('whole');
});

test('nothing is left of a failure, which says why in one line', async () => {
  const folder = join(cache, 'nats');
  const failed = fillOnce(folder, 'Go cannot build it', async (unfinished) => {
    await writeFile(join(unfinished, 'program'), 'half');
    throw new Error('env ended with 1: downloading\ndial error: no route\nexit');
  });
  await expect(failed).rejects.toThrow(
    new EngineUnavailable('Go cannot build it: dial error: no route'),
  );
  expect(existsSync(folder)).toBe(false);
  expect(readdirSync(cache)).toEqual([]);
});
