import { SpoolFolder, type SpoolListing } from '../spool/spool-folder.ts';

/** A spool folder in memory, for tests that own time: it can be full, slow, and shared by processes that die. */
export class MemoryFolder extends SpoolFolder {
  isWritable = true;
  latencyMs = 1;
  readonly files = new Map<string, Buffer>();
  readonly leases = new Map<string, number>();
  readonly #writtenMs = new Map<string, number>();
  #touches = 0;

  constructor() {
    super('(memory)');
  }

  override async write(name: string, bytes: Buffer): Promise<void> {
    await this.#work();
    if (this.files.has(name)) throw new Error(`${name} was written twice`);
    this.files.set(name, bytes);
    this.#writtenMs.set(name, Date.now());
  }

  override async probe(): Promise<void> {
    await this.#work();
  }

  override async list(): Promise<SpoolListing> {
    const leases = [...this.leases].map(([owner, touchedMs]) => ({ owner, touchedMs }));
    return { files: [...this.files.keys()], leases };
  }

  override async read(name: string): Promise<Buffer | undefined> {
    return this.files.get(name);
  }

  override async writtenMs(name: string): Promise<number | undefined> {
    return this.#writtenMs.get(name);
  }

  override async rename(from: string, to: string): Promise<boolean> {
    const bytes = this.files.get(from);
    if (bytes === undefined) return false;
    this.files.delete(from);
    this.files.set(to, bytes);
    this.#writtenMs.set(to, this.#writtenMs.get(from) ?? 0);
    return true;
  }

  override async remove(name: string): Promise<void> {
    this.files.delete(name);
  }

  override async setAside(name: string): Promise<void> {
    this.files.delete(name);
  }

  override async touchLease(owner: string): Promise<void> {
    this.#touches += 1;
    this.leases.set(owner, this.#touches);
  }

  override async removeLease(owner: string): Promise<void> {
    this.leases.delete(owner);
  }

  override async sweep(): Promise<void> {}

  async #work(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.latencyMs));
    if (!this.isWritable) throw new Error('no space left');
  }
}
