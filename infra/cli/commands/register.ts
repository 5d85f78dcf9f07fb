import type { UserId } from '../../../shared/ids.ts';
import { apiKey, ask } from '../ask.ts';
import { places } from '../places.ts';
import { say } from '../terminal/print.ts';
import { shown } from '../terminal/table.ts';

export async function register(userId: UserId, { at = places().functions }: { at?: string }) {
  await ask(`${at}/register`, apiKey(), { method: 'POST', body: userId });
  say(`${shown(userId)} is registered`);
}

export async function unregister(userId: UserId, { at = places().functions }: { at?: string }) {
  await ask(`${at}/register/${encodeURIComponent(userId)}`, apiKey(), { method: 'DELETE' });
  say(`${shown(userId)} is not registered any more, and has no usage`);
}
