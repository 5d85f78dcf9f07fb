import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Lends a file with this content to a command that takes no standard input, and removes it afterwards. */
export async function withFile<T>(
  name: string,
  content: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'planted-'));
  try {
    const path = join(folder, name);
    await writeFile(path, content);
    return await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Holds where a command refuses what was planted, for the right reason.
 * @throws Error where it was accepted, or refused for another reason
 */
export async function refused(answer: Promise<string>, why: string): Promise<string> {
  const error = await answer.then(
    (accepted) => new Error(`accepted: ${accepted}`),
    (error: unknown) => error as Error,
  );
  if (!error.message.includes(why)) throw error;
  return `refused, ${why}`;
}
