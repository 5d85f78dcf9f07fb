import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from './command.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/**
 * Lets `use` work in a copy of the repository as a clone would have it: the files that git has or would take, and
 * nothing installed, built or left over. The copy is removed afterwards.
 */
export async function withFreshCopy<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const listed = await command('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
    cwd: ROOT,
  });
  const folder = await mkdtemp(join(tmpdir(), 'streaming-service-'));
  try {
    for (const path of new Set(listed.split('\0').filter(Boolean))) {
      await cp(join(ROOT, path), join(folder, path), { recursive: true, force: true }).catch(
        ignoreGone,
      );
    }
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Listed by git, but deleted since. */
function ignoreGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
