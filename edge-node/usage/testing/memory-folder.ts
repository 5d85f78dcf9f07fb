import { SpoolFolder } from '../spool/spool-folder.ts';

/** A spool folder in memory, for tests that own time: it can be full, slow, and shared by processes that die. */
export class MemoryFolder extends SpoolFolder {
  isWritable = true;
  latencyMs = 1;
  readonly files: Map<string, Buffer>;

  constructor(files = new Map<string, Buffer>()) {
    super('(memory)');
    this.files = files;
  }

  override async create(): Promise<void> {
    if (!this.isWritable) throw new Error('read-only');
  }

  override async write(name: string, bytes: Buffer): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.latencyMs));
    if (!this.isWritable) throw new Error('no space left');
    if (this.files.has(name)) throw new Error(`${name} was written twice`);
    this.files.set(name, bytes);
  }

  override async list(): Promise<string[]> {
    return [...this.files.keys()];
  }

  override async read(name: string): Promise<Buffer | undefined> {
    return this.files.get(name);
  }

  override async remove(name: string): Promise<void> {
    this.files.delete(name);
  }

  override async setAside(name: string): Promise<void> {
    this.files.delete(name);
  }

  override async sweep(): Promise<void> {}
}
