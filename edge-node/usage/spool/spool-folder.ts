import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SPOOL_PROBE_BYTES } from '../../../shared/limits.ts';
import { SpoolDisk } from './spool-disk.ts';

/** `<owner>.<n>`: n counts from 1 in each life of an owner, so that no name is ever used twice. */
const FINISHED = /^[0-9a-z]{1,64}\.\d{1,15}$/;
const UNFINISHED = /^[0-9a-z]{1,64}\.\d{1,15}\.unfinished$/;
/** `<owner>.alive`: a process that has files here touches it again and again. */
const LEASE = /^([0-9a-z]{1,64})\.alive$/;

/** The process that looks after a file: its name begins with the owner's. */
export function ownerOf(name: string): string {
  return name.slice(0, name.indexOf('.'));
}

/** Names for the files of an owner that has just begun to live, each another. */
export function namesOf(owner: string): () => string {
  let names = 0;
  return () => {
    names += 1;
    return `${owner}.${names}`;
  };
}

/** What stands in the folder. */
export interface SpoolListing {
  /** Names of the finished files, of all owners. */
  readonly files: readonly string[];
  readonly leases: readonly { readonly owner: string; readonly touchedMs: number }[];
}

/**
 * USAGE_SPOOL_DIR: files appear in it whole and durable, and never change but for their owner's name. Any number of
 * processes may share it. One operation is under way at a time.
 */
export class SpoolFolder {
  readonly path: string;
  readonly #disk = new SpoolDisk();

  constructor(path: string) {
    this.path = path;
  }

  /** Resolves when no operation is under way. */
  idle(): Promise<void> {
    return this.#disk.idle();
  }

  /** Resolves once the file would outlive a power cut. A failed attempt leaves nothing unfinished behind. */
  async write(name: string, bytes: Buffer): Promise<void> {
    await this.#disk.run(async () => {
      const unfinished = this.#at(`${name}.unfinished`);
      try {
        await mkdir(this.path, { recursive: true });
        await writeDurably(unfinished, bytes, 'wx');
        await rename(unfinished, this.#at(name));
      } catch (error) {
        await rm(unfinished, { force: true }).catch(() => {});
        throw error;
      }
      await this.#sync();
    });
  }

  /** Resolves where a file could be written now; leaves none. */
  async probe(owner: string): Promise<void> {
    await this.#disk.run(async () => {
      const path = this.#at(`${owner}.0.unfinished`);
      await mkdir(this.path, { recursive: true });
      try {
        await writeDurably(path, Buffer.alloc(SPOOL_PROBE_BYTES), 'w');
      } finally {
        await rm(path, { force: true }).catch(() => {});
      }
    });
  }

  async list(): Promise<SpoolListing> {
    return this.#disk.run(async () => {
      const names = await this.#names();
      const leases: { owner: string; touchedMs: number }[] = [];
      for (const name of names) {
        const owner = LEASE.exec(name)?.[1];
        if (owner === undefined) continue;
        const found = await ignoringAbsence(stat(this.#at(name)));
        if (found) leases.push({ owner, touchedMs: found.mtimeMs });
      }
      return { files: names.filter((name) => FINISHED.test(name)), leases };
    });
  }

  /** The bytes, or undefined when somebody else has taken the file. */
  async read(name: string): Promise<Buffer | undefined> {
    return this.#disk.run(() => ignoringAbsence(readFile(this.#at(name))));
  }

  /** When the file was written, milliseconds since the epoch. */
  async writtenMs(name: string): Promise<number | undefined> {
    const found = await this.#disk.run(() => ignoringAbsence(stat(this.#at(name))));
    return found?.mtimeMs;
  }

  /** Gives the file to another owner. Resolves with whether it was there: of several who try, one succeeds. */
  async rename(from: string, to: string): Promise<boolean> {
    return this.#disk.run(async () => {
      const moved = rename(this.#at(from), this.#at(to)).then(() => true);
      return (await ignoringAbsence(moved)) ?? false;
    });
  }

  async remove(name: string): Promise<void> {
    await this.#disk.run(() => rm(this.#at(name), { force: true }));
  }

  /** Keeps a damaged file for people, where no reader finds it. */
  async setAside(name: string): Promise<void> {
    await this.rename(name, `${name}.damaged`);
  }

  /** Shows that the owner lives. */
  async touchLease(owner: string, nowMs: number): Promise<void> {
    await this.#disk.run(async () => {
      await mkdir(this.path, { recursive: true });
      const lease = await open(this.#at(`${owner}.alive`), 'a');
      try {
        await lease.utimes(nowMs / 1000, nowMs / 1000);
      } finally {
        await lease.close();
      }
    });
  }

  async removeLease(owner: string): Promise<void> {
    await this.remove(`${owner}.alive`);
  }

  /**
   * Removes the unfinished files of writers that have died, and those that are old. Nobody was told that what is in them
   * is durable.
   */
  async sweep(olderThanEpochMs: number, dead: ReadonlySet<string> = new Set()): Promise<void> {
    await this.#disk.run(async () => {
      const names = await this.#names();
      for (const name of names.filter((name) => UNFINISHED.test(name))) {
        const path = this.#at(name);
        const found = await ignoringAbsence(stat(path));
        const isLeft = dead.has(ownerOf(name)) || (found && found.mtimeMs < olderThanEpochMs);
        if (isLeft) await rm(path, { force: true });
      }
    });
  }

  #at(name: string): string {
    return join(this.path, name);
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

async function writeDurably(path: string, bytes: Buffer, flags: 'w' | 'wx'): Promise<void> {
  const file = await open(path, flags);
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
