import type { Minute, UserId } from '../../shared/ids.ts';
import type { Store, UsageEntry, UsageRow } from '../../shared/store/store.ts';

/** A store whose failures a test decides on. */
export class MemoryStore implements Store {
  readonly registered = new Set<UserId>();
  readonly rows: UsageRow[] = [];
  /** What every call waits for first: where it rejects or never settles, the store is away. */
  gate: () => Promise<void> = async () => {};

  async register(userId: UserId): Promise<void> {
    await this.gate();
    this.registered.add(userId);
  }

  async isRegistered(userId: UserId): Promise<boolean> {
    await this.gate();
    return this.registered.has(userId);
  }

  async saveUsage(rows: readonly UsageRow[]): Promise<void> {
    await this.gate();
    this.rows.push(...rows);
  }

  async readUsage(userId: UserId, from: Minute): Promise<UsageEntry[]> {
    await this.gate();
    return this.rows.filter((row) => row.userId === userId && row.minute >= from);
  }

  async ping(): Promise<void> {
    await this.gate();
  }

  async close(): Promise<void> {}
}
