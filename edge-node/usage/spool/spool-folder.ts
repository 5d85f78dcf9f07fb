import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** `<writer>.<n>`: n counts from 1 in each life of a writer, so that no name is ever used twice. */
const FINISHED = /^[0-9a-z]{1,64}\.\d{1,15}$/;
const UNFINISHED = /^[0-9a-z]{1,64}\.\d{1,15}\.unfinished$/;

/** USAGE_SPOOL_DIR: files appear in it whole and durable, and never change. Any number of processes may share it. */
export class SpoolFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async create(): Promise<void> {
    await mkdir(this.path, { recursive: true });
  }

  /** Resolves once the file will be there after a power cut. A failed attempt leaves nothing unfinished behind. */
  async write(name: string, bytes: Buffer): Promise<void> {
    const unfinished = join(this.path, `${name}.unfinished`);
    try {
      await this.create();
      await writeDurably(unfinished, bytes);
      await rename(unfinished, join(this.path, name));
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {});
      throw error;
    }
    await this.#sync();
  }

  /** Names of the finished files, of all writers. */
  async list(): Promise<string[]> {
    const names = await this.#names();
    return names.filter((name) => FINISHED.test(name));
  }

  /** The bytes, or undefined when somebody else has removed the file. */
  async read(name: string): Promise<Buffer | undefined> {
    return ignoringAbsence(readFile(join(this.path, name)));
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.path, name), { force: true });
  }

  /** Keeps a damaged file for people, where no reader finds it. */
  async setAside(name: string): Promise<void> {
    const path = join(this.path, name);
    await ignoringAbsence(rename(path, `${path}.damaged`));
  }

  /** Removes what writers that died in the middle of a file have left: nobody was told that it was durable. */
  async sweep(olderThanEpochMs: number): Promise<void> {
    const names = await this.#names();
    for (const name of names.filter((name) => UNFINISHED.test(name))) {
      const found = await ignoringAbsence(stat(join(this.path, name)));
      if (found && found.mtimeMs < olderThanEpochMs) await this.remove(name);
    }
  }

  async #names(): Promise<string[]> {
    return (await ignoringAbsence(readdir(this.path))) ?? [];
  }

  async #sync(): Promise<void> {
    const folder = await open(this.path);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

async function writeDurably(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function ignoringAbsence<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
