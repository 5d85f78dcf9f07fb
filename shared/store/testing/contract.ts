import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type ChannelId, type Minute, minuteOf, parseUserId, type UserId } from '../../ids.ts';
import { expiryMs, firstLivingMinute } from '../row-life.ts';
import type { Store, UsageEntry, UsageRow } from '../store.ts';
import { usageRow } from './usage-row.ts';

/** How the suite gets at an engine: every call opens another client of the same tables. */
export type OpenClient = (options?: { readonly now?: () => number }) => Promise<Store>;

/** On a busy machine an engine may take longer than a request has: every call is safe to repeat. */
function patient(store: Store): Store {
  const repeat = <T>(call: () => Promise<T>) =>
    vi.waitFor(call, { timeout: 20_000, interval: 100 });
  return {
    register: (userId) => repeat(() => store.register(userId)),
    isRegistered: (userId) => repeat(() => store.isRegistered(userId)),
    saveUsage: (rows) => repeat(() => store.saveUsage(rows)),
    readUsage: (userId, from) => repeat(() => store.readUsage(userId, from)),
    ping: () => repeat(() => store.ping()),
    close: () => store.close(),
  };
}

let usersMade = 0;
function newUser(): UserId {
  usersMade += 1;
  return `user-${process.pid}-${usersMade}` as UserId;
}

const NOW = Date.now();
const MINUTE = minuteOf(NOW);

/** Fields as texts and numbers, for brevity. */
function row(fields: Partial<Record<keyof UsageRow, unknown>>): UsageRow {
  return usageRow({ minute: MINUTE, ...fields } as Partial<UsageRow>);
}

/** An order for entries, to compare them in: minute, then channel, then value. */
function byKey(a: UsageEntry, b: UsageEntry): number {
  const [keyA, keyB] = [a, b].map(
    ({ minute, channelId, deliveredMs }) => `${minute} ${channelId} ${10 ** 9 + deliveredMs}`,
  ) as [string, string];
  return keyA < keyB ? -1 : Number(keyA > keyB);
}

async function readSorted(store: Store, userId: UserId): Promise<UsageEntry[]> {
  return (await store.readUsage(userId, 0 as Minute)).sort(byKey);
}

async function totalMs(store: Store, userId: UserId): Promise<number> {
  const entries = await store.readUsage(userId, 0 as Minute);
  return entries.reduce((sum, entry) => sum + entry.deliveredMs, 0);
}

/** What every store promises, whatever engine is under it. Rows of two tests never share a user. */
export function describeStore(openRaw: OpenClient): void {
  const open: OpenClient = async (options) => patient(await openRaw(options));
  describe('the store', () => {
    let store: Store;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    describeRegistrations(() => store, open);
    describeGreatestWins(() => store, open);
    describeReading(() => store);
    describeExpiry(() => store, open);

    test('answers a ping', () => store.ping());

    test('closing under load ends: what was confirmed is there, the rest is rejected', async () => {
      const closing = await openRaw();
      const userId = newUser();
      const saves = Array.from({ length: 50 }, (_, writer) =>
        closing.saveUsage([row({ userId, writerId: `w${writer}`, deliveredMs: 1 })]),
      );
      const [outcomes] = await Promise.all([Promise.allSettled(saves), closing.close()]);
      const confirmed = outcomes.filter(({ status }) => status === 'fulfilled').length;
      expect(await totalMs(store, userId)).toBeGreaterThanOrEqual(confirmed);
      await expect(closing.ping()).rejects.toThrow();
      await expect(closing.saveUsage([row({ userId })])).rejects.toThrow();
    });
  });
}

function describeRegistrations(store: () => Store, open: OpenClient): void {
  test('an unknown user is not registered and has no usage', async () => {
    const userId = newUser();
    expect(await store().isRegistered(userId)).toBe(false);
    expect(await store().readUsage(userId, 0 as Minute)).toEqual([]);
  });

  test('a registration is seen at once, by another client too, and may be repeated', async () => {
    const other = await open();
    for (let round = 0; round < 20; round++) {
      const userId = newUser();
      await store().register(userId);
      expect(await other.isRegistered(userId)).toBe(true);
      await other.register(userId);
      expect(await store().isRegistered(userId)).toBe(true);
    }
    await other.close();
  });

  test.each([
    ["quotes ' and doubled ''", `it's''"here"\``],
    ['a statement', `x');DROP-TABLE-usage;--`],
    ['an emoji', '👩‍👩‍👧'],
    ['128 bytes', 'é'.repeat(64)],
    ['separators of keys', 'a|b:c,d$e\\f'],
    ['names of properties', '__proto__'],
  ])('an id with %s is that id and no other', async (_, suffix) => {
    const userId = suffix as UserId;
    expect(parseUserId(userId)).toBe(userId);
    const shorter = suffix.slice(0, -1) as UserId;
    await store().register(userId);
    await store().saveUsage([row({ userId, deliveredMs: 40 })]);
    expect(await store().isRegistered(userId)).toBe(true);
    expect(await store().isRegistered(shorter)).toBe(false);
    expect(await readSorted(store(), userId)).toEqual([
      { minute: MINUTE, channelId: 'zato01', deliveredMs: 40 },
    ]);
    expect(await store().readUsage(shorter, 0 as Minute)).toEqual([]);
  });
}

function describeGreatestWins(store: () => Store, open: OpenClient): void {
  test.each([
    ['live', false],
    ['final', true],
  ])('a smaller %s write that comes late changes nothing', async (_, final) => {
    const userId = newUser();
    for (const [deliveredMs, lastOne] of [
      [20_000, false],
      [40_000, final],
      [20_000, false],
      [40_000, final],
    ] as const) {
      await store().saveUsage([row({ userId, deliveredMs, final: lastOne })]);
    }
    expect(await totalMs(store(), userId)).toBe(40_000);
  });

  test('one call may hold a key twice, in any order', async () => {
    const userId = newUser();
    const values = [20, 60, 40];
    await store().saveUsage(values.map((deliveredMs) => row({ userId, deliveredMs, final: true })));
    await store().saveUsage(values.map((deliveredMs) => row({ userId, deliveredMs })));
    expect(await totalMs(store(), userId)).toBe(60);
  });

  test('whatever order, repetition and split the writes come in, each key ends at its greatest', async () => {
    const write = fc.record({
      minute: fc.integer({ min: MINUTE - 3, max: MINUTE }),
      channelId: fc.constantFrom('zato01', 'zato02'),
      writerId: fc.constantFrom('w1', 'w2'),
      deliveredMs: fc.integer({ min: 0, max: 60_000 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(write, { maxLength: 6 }), { maxLength: 6 }),
        async (calls) => {
          const userId = newUser();
          const greatest = new Map<string, UsageEntry>();
          for (const call of calls) {
            await store().saveUsage(call.map((fields) => row({ ...fields, userId })));
            for (const { minute, channelId, writerId, deliveredMs } of call) {
              const key = `${minute} ${channelId} ${writerId}`;
              const best = Math.max(deliveredMs, greatest.get(key)?.deliveredMs ?? 0);
              greatest.set(key, {
                minute: minute as Minute,
                channelId: channelId as ChannelId,
                deliveredMs: best,
              });
            }
          }
          expect(await readSorted(store(), userId)).toEqual([...greatest.values()].sort(byKey));
        },
      ),
      { numRuns: 25 },
    );
  });

  test('writers at once, each repeating and shuffling its rows, lose nothing', async () => {
    const clients = await Promise.all([open(), open(), open()]);
    const userId = newUser();
    const values = [10, 40, 30, 40, 20, 50, 50, 10];
    await Promise.all(
      clients.flatMap((client, writer) =>
        values.map((deliveredMs) =>
          client.saveUsage([
            row({ userId, writerId: `writer-${writer}`, deliveredMs }),
            row({
              userId,
              writerId: 'shared',
              channelId: 'zato02',
              deliveredMs: deliveredMs + writer,
            }),
          ]),
        ),
      ),
    );
    expect(await totalMs(store(), userId)).toBe(3 * 50 + 52);
    await Promise.all(clients.map((client) => client.close()));
  });
}

function describeReading(store: () => Store): void {
  test('a read begins with its first minute, and sees all channels and writers', async () => {
    const userId = newUser();
    const minutes = [MINUTE - 3, MINUTE - 2, MINUTE - 1, MINUTE];
    await store().saveUsage(
      minutes.flatMap((minute, i) => [
        row({ userId, minute, deliveredMs: i + 1, final: true }),
        row({ userId, minute, writerId: 'other', deliveredMs: 10, final: true }),
        row({ userId, minute, channelId: 'zato02', deliveredMs: 100, final: true }),
      ]),
    );
    for (const [index, from] of minutes.entries()) {
      const entries = await store().readUsage(userId, from as Minute);
      expect(new Set(entries.map(({ minute }) => minute))).toEqual(new Set(minutes.slice(index)));
      expect(entries).toHaveLength(3 * (minutes.length - index));
    }
    expect(await store().readUsage(userId, (MINUTE + 1) as Minute)).toEqual([]);
  });

  test('12,000 rows of one user come back whole', async () => {
    const userId = newUser();
    const rows = Array.from({ length: 12_000 }, (_, i) =>
      row({
        userId,
        minute: MINUTE - (i % 1_440),
        writerId: `writer-${Math.floor(i / 1_440)}`,
        deliveredMs: i,
        final: true,
      }),
    );
    for (let start = 0; start < rows.length; start += 1_000) {
      await store().saveUsage(rows.slice(start, start + 1_000));
    }
    const entries = await store().readUsage(userId, (MINUTE - 1_439) as Minute);
    const values = entries.map(({ deliveredMs }) => deliveredMs).sort((a, b) => a - b);
    expect(values).toEqual(rows.map(({ deliveredMs }) => deliveredMs));
  }, 120_000);

  test('saving nothing is nothing', async () => {
    await store().saveUsage([]);
  });
}

function describeExpiry(store: () => Store, open: OpenClient): void {
  test('a row replayed after its life is not written, and its neighbours are', async () => {
    const userId = newUser();
    const first = firstLivingMinute(Date.now());
    // Two minutes off the edge on either side: the clock goes on meanwhile.
    const dead = row({ userId, minute: first - 2, deliveredMs: 1 });
    const living = row({ userId, minute: first + 2, deliveredMs: 20 });
    await store().saveUsage([dead, living]);
    await store().saveUsage([{ ...dead, final: true }]);
    await store().saveUsage([dead]);
    expect(await readSorted(store(), userId)).toEqual([
      { minute: living.minute, channelId: 'zato01', deliveredMs: 20 },
    ]);
  });

  test('a row vanishes by its minute, however late it was written', async () => {
    const userId = newUser();
    const minute = (firstLivingMinute(Date.now()) + 5) as Minute;
    let nowMs = expiryMs(minute) - 60_000;
    const traveller = await open({ now: () => nowMs });
    await traveller.saveUsage([
      row({ userId, minute, deliveredMs: 20 }),
      row({ userId, minute, channelId: 'zato02', deliveredMs: 20, final: true }),
    ]);
    expect(await readSorted(traveller, userId)).toHaveLength(2);
    nowMs += 60_000;
    expect(await readSorted(traveller, userId)).toEqual([]);
    await traveller.saveUsage([row({ userId, minute, deliveredMs: 40 })]);
    expect(await readSorted(traveller, userId)).toEqual([]);
    await traveller.close();
  });
}
