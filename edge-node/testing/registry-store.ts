import type { UserId } from '../../shared/ids.ts';
import { MemoryStore } from '../usage/testing/memory-store.ts';

/** A store in memory that knows who is registered, and whose look-ups fail and hang with the rest. */
export class RegistryStore extends MemoryStore {
  readonly registered = new Set<string>();

  override async register(userId?: UserId): Promise<void> {
    if (userId !== undefined) this.registered.add(userId);
  }

  override async isRegistered(userId?: UserId): Promise<boolean> {
    if (this.mode === 'hanging') return new Promise(() => {});
    if (this.mode === 'failing') throw new Error('away');
    return userId !== undefined && this.registered.has(userId);
  }
}
