import { expect, vi } from 'vitest';
import { type Minute, minuteOf, type UserId } from '../../ids.ts';
import type { ChannelUsage, Store, UsageRow } from '../store.ts';
import { usageRow } from './usage-row.ts';

/** How the suite gets at an engine: every call opens another client of the same tables. */
export type OpenClient = (options?: { readonly now?: () => number }) => Promise<Store>;

/** On a busy machine an engine may take longer than a request has: every call is safe to repeat. */
export function patient(store: Store): Store {
  const repeat = <T>(call: () => Promise<T>) =>
    vi.waitFor(call, { timeout: 20_000, interval: 100 });
  return {
    register: (userId) => repeat(() => store.register(userId)),
    unregister: (userId, minute) => repeat(() => store.unregister(userId, minute)),
    forgetUsage: (...args) => repeat(() => store.forgetUsage(...args)),
    isRegistered: (userId) => repeat(() => store.isRegistered(userId)),
    saveUsage: (rows) =>
      repeat(async () => {
        const refused = await store.saveUsage(rows);
        if (refused[0] !== undefined) throw refused[0].error;
        return refused;
      }),
    readUsage: (userId, from, signal) => repeat(() => store.readUsage(userId, from, signal)),
    announce: (...args) => repeat(() => store.announce(...args)),
    withdraw: (address) => repeat(() => store.withdraw(address)),
    readAnnouncements: () => repeat(() => store.readAnnouncements()),
    ping: () => repeat(() => store.ping()),
    close: () => store.close(),
  };
}

let usersMade = 0;
export function newUser(): UserId {
  usersMade += 1;
  return `user-${process.pid}-${usersMade}` as UserId;
}

const NOW = Date.now();
export const MINUTE = minuteOf(NOW);

/** Fields as texts and numbers, for brevity. */
export function row(fields: Partial<Record<keyof UsageRow, unknown>>): UsageRow {
  return usageRow({ minute: MINUTE, ...fields } as Partial<UsageRow>);
}

/** What a user has of each channel from `from` on, in all hours: [of that minute, of later ones]. */
export async function sums(
  store: Store,
  userId: UserId,
  from = 0,
): Promise<Record<string, number[]>> {
  const read = await store.readUsage(userId, from as Minute);
  const keys = read.map(({ hour, channelId }) => `${hour} ${channelId}`);
  expect(new Set(keys).size).toBe(keys.length);
  const found: Record<string, number[]> = {};
  for (const { channelId, firstMs, laterMs } of read) {
    const [first = 0, later = 0] = found[channelId] ?? [];
    found[channelId] = [first + firstMs, later + laterMs];
  }
  return found;
}

function total(channels: readonly ChannelUsage[]): number {
  return channels.reduce((sum, { firstMs, laterMs }) => sum + firstMs + laterMs, 0);
}

export async function totalMs(store: Store, userId: UserId): Promise<number> {
  return total(await store.readUsage(userId, 0 as Minute));
}
