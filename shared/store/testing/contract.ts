import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type ChannelId, hourOf, type Minute } from '../../ids.ts';
import { expiryMs, firstLivingMinute } from '../row-life.ts';
import type { Store, UsageRow } from '../store.ts';
import { UsageSum } from '../usage-sum.ts';
import { describeAnnouncements } from './contract-announcements.ts';
import { MINUTE, newUser, type OpenClient, patient, row, sums, totalMs } from './contract-kit.ts';
import { describeRegistrations, describeUnregistering } from './contract-registrations.ts';

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
    describeUnregistering(() => store, open);
    describeOutcomes(openRaw);
    describeGreatestWins(() => store, open);
    describeReading(() => store, openRaw);
    describeExpiry(() => store, open);
    describeAnnouncements(() => store, open);

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

function describeOutcomes(openRaw: OpenClient): void {
  /** Saves rows of which one is bad, until the engine takes the others: a busy machine may refuse some of them at first. */
  async function expectRefused(rows: readonly UsageRow[], bad: UsageRow): Promise<void> {
    const store = await openRaw();
    await vi.waitFor(
      async () => {
        const refused = await store.saveUsage(rows);
        expect(refused).toHaveLength(1);
        expect(refused[0]?.row).toBe(bad);
        expect(refused[0]?.error).toBeInstanceOf(Error);
      },
      { timeout: 20_000, interval: 100 },
    );
    expect(await totalMs(patient(store), bad.userId)).toBe(10 * (rows.length - 1));
    await store.close();
  }

  test.each([
    ['growing', false],
    ['final', true],
  ])(
    'a %s row that the engine cannot take is refused, and its neighbours are kept',
    async (_, final) => {
      const userId = newUser();
      const rows = Array.from({ length: 60 }, (_, i) =>
        row({ userId, writerId: `w${i}`, deliveredMs: i === 30 ? 'much' : 10, final }),
      );
      await expectRefused(rows, rows[30] as UsageRow);
    },
  );

  test('a row that stands alone is refused, too, and does not fail the call', async () => {
    const bad = row({ userId: newUser(), deliveredMs: 'much' });
    await expectRefused([bad], bad);
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
          const greatest = new Map<string, number>();
          for (const call of calls) {
            await store().saveUsage(call.map((fields) => row({ ...fields, userId })));
            for (const { minute, channelId, writerId, deliveredMs } of call) {
              const key = `${minute} ${channelId} ${writerId}`;
              greatest.set(key, Math.max(deliveredMs, greatest.get(key) ?? 0));
            }
          }
          const expected = new UsageSum((MINUTE - 3) as Minute);
          for (const [key, deliveredMs] of greatest) {
            const [minute, channelId] = key.split(' ');
            expected.add(Number(minute) as Minute, channelId as ChannelId, deliveredMs);
          }
          const found = await store().readUsage(userId, (MINUTE - 3) as Minute);
          expect(new Set(found)).toEqual(new Set(expected.channels));
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

function describeReading(store: () => Store, openRaw: OpenClient): void {
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
      const later = [1, 2, 3].filter((i) => i > index);
      expect(await sums(store(), userId, from)).toEqual({
        zato01: [index + 11, later.reduce((sum, i) => sum + i + 11, 0)],
        zato02: [100, 100 * later.length],
      });
    }
    expect(await store().readUsage(userId, (MINUTE + 1) as Minute)).toEqual([]);
  });

  test('a read tells the hours of UTC apart, to the minute', async () => {
    const userId = newUser();
    // Hours that have passed on every clock, and none of them the one that rows expire in.
    const hour = hourOf(MINUTE) - 4;
    const minutes = [-61, -60, -1, 0, 59, 60].map((offset) => hour * 60 + offset);
    const channels = ['zato01', 'zato02'];
    await store().saveUsage(
      minutes.flatMap((minute, i) =>
        channels.flatMap((channelId, c) =>
          ['one', 'other'].map((writerId) =>
            row({ userId, minute, channelId, writerId, deliveredMs: 4 ** i * (c + 1) }),
          ),
        ),
      ),
    );
    const read = await store().readUsage(userId, minutes[1] as Minute);
    const expected = [
      [-1, 2 * 4, 2 * 16],
      [0, 0, 2 * (64 + 256)],
      [1, 0, 2 * 1_024],
    ].flatMap(([offset = 0, firstMs = 0, laterMs = 0]) =>
      channels.map((channelId, c) => ({
        hour: hour + offset,
        channelId,
        firstMs: firstMs * (c + 1),
        laterMs: laterMs * (c + 1),
      })),
    );
    expect(new Set(read)).toEqual(new Set(expected));
  });

  test('thousands of rows of one user, more than a page of any engine holds, are summed whole', async () => {
    const userId = newUser();
    const rows = Array.from({ length: 6_000 }, (_, i) =>
      row({
        userId,
        minute: MINUTE - (i % 1_440),
        // Long, since DynamoDB's pages are of a size and not of a count.
        writerId: `writer-${Math.floor(i / 1_440)}`.padEnd(200, '-'),
        deliveredMs: i,
        final: true,
      }),
    );
    for (let start = 0; start < rows.length; start += 1_000) {
      await store().saveUsage(rows.slice(start, start + 1_000));
    }
    // Each row has a value of its own, so that no other set of them has this sum and these halves by chance.
    const expected = new UsageSum((MINUTE - 1_439) as Minute);
    for (const { minute, channelId, deliveredMs } of rows) {
      expected.add(minute, channelId, deliveredMs);
    }
    const read = () => store().readUsage(userId, (MINUTE - 1_439) as Minute);
    expect(new Set(await read())).toEqual(new Set(expected.channels));
  }, 300_000);

  test('a reading that nobody waits for any more is not gone on with', async () => {
    const impatient = await openRaw();
    const reading = impatient.readUsage(newUser(), 0 as Minute, AbortSignal.abort());
    await expect(reading).rejects.toThrow('abort');
    await impatient.close();
  });

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
    expect(await sums(store(), userId)).toEqual({ zato01: [0, 20] });
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
    expect(await sums(traveller, userId)).toEqual({ zato01: [0, 20], zato02: [0, 20] });
    nowMs += 60_000;
    expect(await sums(traveller, userId)).toEqual({});
    await traveller.saveUsage([row({ userId, minute, deliveredMs: 40 })]);
    expect(await sums(traveller, userId)).toEqual({});
    await traveller.close();
  });
}
