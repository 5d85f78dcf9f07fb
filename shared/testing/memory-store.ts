import { monotonicMs } from '../clock.ts';
import type { EdgeAddress, Minute, UserId } from '../ids.ts';
import type { ChannelUsage, RefusedRow, Store, UsageRow } from '../store/store.ts';
import { UsageSum } from '../store/usage-sum.ts';

/** A store in memory whose failures a test decides on, and that notes each save. */
export class MemoryStore implements Store {
  /** How calls end. It is looked at when a call would take effect, not when it is made. */
  mode: 'up' | 'failing' | 'hanging' = 'up';
  /** From a call to its effect. */
  latencyMs = 0;
  /** What every call waits for first: where it rejects, so does the call. */
  gate: () => Promise<void> = async () => {};
  /** Rows that the engine does not take, whatever the mode. */
  refuses: (row: UsageRow) => boolean = () => false;
  readonly registered = new Set<string>();
  /** The rows of each saveUsage call, as they were when it was made. */
  readonly calls: UsageRow[][] = [];
  readonly #rows = new Map<string, UsageRow>();
  readonly #forgotten = new Map<UserId, number>();
  readonly #announced = new Map<EdgeAddress, { readonly text: string; readonly endMs: number }>();

  get rows(): UsageRow[] {
    return [...this.#rows.values()];
  }

  /** All that is stored, of one user or of all. */
  totalMs(userId?: UserId): number {
    return this.rows
      .filter((row) => userId === undefined || row.userId === userId)
      .reduce((sum, row) => sum + row.deliveredMs, 0);
  }

  async register(userId: UserId): Promise<void> {
    await this.#pass();
    this.registered.add(userId);
  }

  async isRegistered(userId: UserId): Promise<boolean> {
    await this.#pass();
    return this.registered.has(userId);
  }

  async saveUsage(rows: readonly UsageRow[]): Promise<readonly RefusedRow[]> {
    this.calls.push(rows.map((row) => ({ ...row })));
    await this.#pass();
    const refused = rows.filter((row) => this.refuses(row));
    for (const row of rows) if (!refused.includes(row)) this.#keep(row);
    return refused.map((row) => ({ row, error: new Error('not enough replicas') }));
  }

  async unregister(userId: UserId, minute: Minute): Promise<void> {
    await this.#pass();
    this.registered.delete(userId);
    this.#forget(userId, minute);
  }

  async forgetUsage(userId: UserId, minute: Minute, since: Minute): Promise<boolean> {
    await this.#pass();
    const forgotten = this.#forgotten.get(userId);
    if (forgotten === undefined || forgotten < since) return false;
    this.#forget(userId, minute);
    return true;
  }

  #forget(userId: UserId, minute: Minute): void {
    this.#forgotten.set(userId, Math.max(minute, this.#forgotten.get(userId) ?? 0));
    for (const [key, row] of this.#rows) if (row.userId === userId) this.#rows.delete(key);
  }

  async readUsage(userId: UserId, from: Minute): Promise<readonly ChannelUsage[]> {
    await this.#pass();
    const sum = new UsageSum(from);
    sum.forgetBefore((this.#forgotten.get(userId) ?? 0) as Minute);
    for (const { userId: watcher, minute, channelId, deliveredMs } of this.rows) {
      if (watcher === userId) sum.add(minute, channelId, deliveredMs);
    }
    return sum.channels;
  }

  async announce(address: EdgeAddress, text: string, lifeSeconds: number): Promise<void> {
    await this.#pass();
    this.#announced.set(address, { text, endMs: monotonicMs() + lifeSeconds * 1000 });
  }

  async withdraw(address: EdgeAddress): Promise<void> {
    await this.#pass();
    this.#announced.delete(address);
  }

  async readAnnouncements(): Promise<readonly string[]> {
    await this.#pass();
    const nowMs = monotonicMs();
    const living = [...this.#announced.values()].filter(({ endMs }) => endMs > nowMs);
    return living.map(({ text }) => text);
  }

  async ping(): Promise<void> {
    await this.#pass();
  }

  async close(): Promise<void> {}

  #keep(row: UsageRow): void {
    const key = [row.userId, row.minute, row.channelId, row.writerId].join(' ');
    const known = this.#rows.get(key);
    if (known === undefined || row.deliveredMs > known.deliveredMs) this.#rows.set(key, row);
  }

  async #pass(): Promise<void> {
    await this.gate();
    if (this.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, this.latencyMs));
    if (this.mode === 'hanging') return new Promise(() => {});
    if (this.mode === 'failing') throw new Error('away');
  }
}
