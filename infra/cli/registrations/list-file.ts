import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { reasonOf } from '../../../shared/errors.ts';
import { parseUserId, type UserId } from '../../../shared/ids.ts';
import { CliError } from '../cli-error.ts';

/** What stands for standard input and output. */
export const STDIO = '-';

/**
 * A list of user ids, one a line: an id has no white space, so nothing needs quoting. A file appears under its name when
 * it is whole, and never before.
 */
export class ListFile {
  readonly #path: string;
  readonly #file: FileHandle | undefined;

  private constructor(path: string, file: FileHandle | undefined) {
    this.#path = path;
    this.#file = file;
  }

  /** @throws CliError where it cannot be written */
  static async create(path: string): Promise<ListFile> {
    if (path === STDIO) return new ListFile(path, undefined);
    // Who is registered is nobody else's to read.
    const file = await open(partOf(path), 'w', 0o600).catch((thrown) => {
      throw new CliError(reasonOf(thrown));
    });
    return new ListFile(path, file);
  }

  async write(ids: readonly UserId[]): Promise<void> {
    const lines = ids.map((id) => `${id}\n`).join('');
    if (this.#file !== undefined) await this.#file.appendFile(lines);
    else if (!process.stdout.write(lines)) {
      await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
  }

  async keep(): Promise<void> {
    if (this.#file === undefined) return;
    await this.#file.sync();
    await this.#file.close();
    await rename(partOf(this.#path), this.#path);
  }

  async discard(): Promise<void> {
    if (this.#file === undefined) return;
    await this.#file.close();
    await rm(partOf(this.#path), { force: true });
  }
}

function partOf(path: string): string {
  return `${path}.part`;
}

type Line = { readonly userId: UserId } | { readonly number: number };

/** A list's lines: user ids, or where none stands. Empty lines are none. */
export async function* readList(path: string): AsyncGenerator<Line> {
  const input = path === STDIO ? process.stdin : createReadStream(path);
  let number = 0;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    if (text.trim() === '') continue;
    const userId = parseUserId(text.trim());
    yield userId === undefined ? { number } : { userId };
  }
}
