import { expect, test } from 'vitest';
import { type Minute, minuteOf, parseUserId, type UserId } from '../../ids.ts';
import type { Store } from '../store.ts';
import { MINUTE, newUser, type OpenClient, row, sums } from './contract-kit.ts';

export function describeRegistrations(store: () => Store, open: OpenClient): void {
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
    expect(await sums(store(), userId)).toEqual({ zato01: [0, 40] });
    expect(await store().readUsage(shorter, 0 as Minute)).toEqual([]);
  });
}

export function describeUnregistering(store: () => Store, open: OpenClient): void {
  test('who is unregistered, and registered again, is what was said last, whoever says it', async () => {
    const other = await open();
    const userId = newUser();
    for (let round = 0; round < 5; round++) {
      await store().register(userId);
      expect(await other.isRegistered(userId)).toBe(true);
      await other.unregister(userId, MINUTE);
      expect(await store().isRegistered(userId)).toBe(false);
    }
    await store().unregister(userId, MINUTE);
    await store().register(userId);
    expect(await store().isRegistered(userId)).toBe(true);
    await other.close();
  });

  test('usage goes with the registration, all that there is, and no other user’s', async () => {
    const [userId, neighbour] = [newUser(), newUser()];
    const rows = [userId, neighbour].flatMap((user) =>
      [MINUTE - 60, MINUTE - 1, MINUTE].flatMap((minute) =>
        Array.from({ length: 20 }, (_, writer) =>
          row({ userId: user, minute, writerId: `w${writer}`, deliveredMs: 1_000, final: true }),
        ),
      ),
    );
    await store().saveUsage(rows);
    await store().unregister(userId, MINUTE);
    expect(await sums(store(), userId)).toEqual({});
    expect(await sums(store(), neighbour)).toEqual({ zato01: [0, 60_000] });
  });

  test('a deletion is done once more where there was one since, and never without one', async () => {
    const [deleted, missing] = [newUser(), newUser()];
    const rows = [deleted, missing].flatMap((userId) =>
      [MINUTE - 60, MINUTE].map((minute) => row({ userId, minute, deliveredMs: 1_000 })),
    );
    await store().register(deleted);
    await store().unregister(deleted, (MINUTE - 1) as Minute);
    await store().saveUsage(rows);
    const since = (age: number) => (MINUTE - age) as Minute;
    // Nobody unregistered this one, and nobody the other since then.
    expect(await store().forgetUsage(missing, MINUTE, since(1_000))).toBe(false);
    expect(await sums(store(), missing)).toEqual({ zato01: [0, 2_000] });
    expect(await store().forgetUsage(deleted, MINUTE, since(0))).toBe(false);
    expect(await sums(store(), deleted)).toEqual({ zato01: [0, 1_000] });
    expect(await store().forgetUsage(deleted, MINUTE, since(1))).toBe(true);
    expect(await sums(store(), deleted)).toEqual({});
  });

  test('what comes late of before the deletion is not told; what somebody watches after it is', async () => {
    const userId = newUser();
    const old = [MINUTE - 90, MINUTE - 1].map((minute) =>
      row({ userId, minute, deliveredMs: 1_000, final: true }),
    );
    const running = row({ userId, deliveredMs: 1_000 });
    await store().register(userId);
    await store().saveUsage([...old, running]);
    await store().unregister(userId, MINUTE);
    await store().register(userId);
    const spooled = old.map((each) => ({ ...each, deliveredMs: 9_000, final: false }));
    const others = old.map((each) => row({ ...each, channelId: 'zato02', writerId: 'dead' }));
    await store().saveUsage([...spooled, ...others]);
    expect(await sums(store(), userId)).toEqual({});
    await store().saveUsage([row({ userId, deliveredMs: 1_500 })]);
    expect(await sums(store(), userId)).toEqual({ zato01: [0, 1_500] });
    // Said again by a clock that is behind: what was forgotten stays so.
    await store().forgetUsage(userId, (MINUTE - 100) as Minute, (MINUTE - 100) as Minute);
    await store().saveUsage(others);
    expect(await sums(store(), userId)).toEqual({});
  });

  test('a clock that is hours ahead takes away nothing that is watched after the deletion', async () => {
    const userId = newUser();
    await store().unregister(userId, (MINUTE + 600) as Minute);
    const next = minuteOf(Date.now()) + 1;
    await store().saveUsage([row({ userId, minute: next, deliveredMs: 20_000 })]);
    expect(await sums(store(), userId)).toEqual({ zato01: [0, 20_000] });
  });
}
