import type { UserId } from '../../../shared/ids.ts';
import type { Store, UsageEntry, UsageRow } from '../../../shared/store/store.ts';

/** A store in memory that can fail, hang and be slow, and that notes each call. */
export class MemoryStore implements Store {
  mode: 'up' | 'failing' | 'hanging' = 'up';
  /** From a call to its effect. */
  latencyMs = 1;
  readonly calls: UsageRow[][] = [];
  readonly #rows = new Map<string, UsageRow>();

  /** A call takes effect or not by the mode at its end. */
  async saveUsage(rows: readonly UsageRow[]): Promise<void> {
    this.calls.push(rows.map((row) => ({ ...row })));
    await new Promise((resolve) => setTimeout(resolve, this.latencyMs));
    if (this.mode === 'hanging') return new Promise(() => {});
    if (this.mode === 'failing') throw new Error('away');
    for (const row of rows) {
      const key = [row.userId, row.minute, row.channelId, row.writerId].join(' ');
      const known = this.#rows.get(key);
      if (known === undefined || row.deliveredMs > known.deliveredMs) this.#rows.set(key, row);
    }
  }

  get rows(): UsageRow[] {
    return [...this.#rows.values()];
  }

  /** All that is stored, of one user or of all. */
  totalMs(userId?: UserId): number {
    return this.rows
      .filter((row) => userId === undefined || row.userId === userId)
      .reduce((sum, row) => sum + row.deliveredMs, 0);
  }

  async readUsage(userId: UserId): Promise<UsageEntry[]> {
    return this.rows.filter((row) => row.userId === userId);
  }

  async register(): Promise<void> {}
  async isRegistered(): Promise<boolean> {
    return true;
  }
  async ping(): Promise<void> {}
  async close(): Promise<void> {}
}
