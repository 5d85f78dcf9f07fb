import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Minute, minuteOf, type UserId } from '../../../shared/ids.ts';
import { openSqlite } from '../../../shared/store/sqlite/sqlite-store.ts';
import { firstMinuteOf } from '../../../shared/usage-window.ts';
import { spoolFile } from '../testing/spool-file.ts';
import { SpoolFolder } from './spool-folder.ts';

const NOW = minuteOf(Date.now());

let root: string;
let folder: SpoolFolder;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'spool-replay-'));
  folder = new SpoolFolder(join(root, 'spool'));
});
afterEach(() => rm(root, { recursive: true }));

const run = (args: string[], env: Record<string, string> = {}) =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, 'replay.ts'), ...args], {
    env: { STORE: 'sqlite', SQLITE_PATH: join(root, 'usage.db'), ...env },
  });

test('stores a folder by hand, twice over, and says what it did', async () => {
  await folder.write('aa.1', spoolFile('aa', 300, NOW));
  await writeFile(join(folder.path, 'aa.2'), 'torn');
  await expect(run([folder.path], { LOG_LEVEL: 'fatal' })).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringMatching(
      /1 files read and removed, 300 rows stored.*1 damaged files kept as \.damaged/,
    ),
  });
  await folder.write('aa.1', spoolFile('aa', 300, NOW));
  await run([folder.path]);
  const sqlite = await openSqlite({ path: join(root, 'usage.db') });
  const usage = await sqlite.readUsage('user-299' as UserId, (NOW - 1) as Minute);
  await sqlite.close();
  expect(usage).toMatchObject([{ channelId: 'zato01', firstMs: 0, laterMs: 20 }]);
  expect(await readdir(folder.path)).toEqual(['aa.2.damaged']);
});

test('says with its exit code that rows are left, which are too old by the clock', async () => {
  await folder.write('aa.1', spoolFile('aa', 4, firstMinuteOf(Date.now()) - 1));
  await expect(run([folder.path])).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining('4 rows older than 24 h stay there'),
  });
  expect(await readdir(folder.path)).toHaveLength(1);
});

test('without a folder, or with one that is not there, fails with one line', async () => {
  const stderr = expect.stringMatching(/^usage: .*\n$/);
  await expect(run([])).rejects.toMatchObject({ code: 2, stderr });
  const missing = join(root, 'missing');
  await expect(run([missing])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(missing),
  });
});
