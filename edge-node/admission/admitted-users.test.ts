import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { UserId } from '../../shared/ids.ts';
import { LOOK_AGAIN_AT_ONCE } from '../../shared/limits.ts';
import { AdmittedUsers } from './admitted-users.ts';
import type { Registration } from './registrations.ts';

const TTL_MS = 60_000;
const LOOK_UP_MS = 5;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Users whose sessions are named by their own ids, and a store that says what a test says. */
function rig(answer: (userId: UserId) => Registration = () => 'registered', endsMs = 0) {
  const clock = { monotonicMs: () => performance.now(), epochMs: () => 0 };
  const confirmed = new Map<UserId, number>();
  /** When each look-up began. */
  const lookUps: { readonly userId: UserId; readonly atMs: number }[] = [];
  const most = { atOnce: 0 };
  const gone: UserId[] = [];
  let atOnce = 0;
  const admitted = new AdmittedUsers<string>({
    registrations: {
      confirmedMs: (userId) => confirmed.get(userId),
      async lookUpAgain(userId) {
        lookUps.push({ userId, atMs: clock.monotonicMs() });
        atOnce += 1;
        most.atOnce = Math.max(most.atOnce, atOnce);
        await new Promise((resolve) => setTimeout(resolve, LOOK_UP_MS));
        atOnce -= 1;
        const found = answer(userId);
        if (found === 'registered') confirmed.set(userId, clock.monotonicMs());
        return found;
      },
    },
    ttlMs: TTL_MS,
    clock,
    end: (sessions) => {
      const ending = [...sessions];
      const end = () => {
        for (const session of ending) admitted.left(session.split('.')[0] as UserId, session);
      };
      if (endsMs === 0) end();
      else setTimeout(end, endsMs);
    },
    gone: (userId) => gone.push(userId),
  });
  admitted.start();
  const enter = (id: string, session = id) => {
    if (!confirmed.has(id as UserId)) confirmed.set(id as UserId, clock.monotonicMs());
    admitted.entered(id as UserId, session);
  };
  return { admitted, lookUps, most, gone, enter };
}

describe('users who are in', () => {
  it('are each looked up once before the TTL has passed, spread over it: 10,000 make no burst', async () => {
    const { enter, lookUps, most } = rig();
    for (let n = 0; n < 10_000; n += 1) enter(`user-${n}`);
    await vi.advanceTimersByTimeAsync(TTL_MS);
    expect(new Set(lookUps.map(({ userId }) => userId)).size).toBe(10_000);
    expect(most.atOnce).toBeLessThanOrEqual(LOOK_AGAIN_AT_ONCE);
    const seconds = Map.groupBy(lookUps, ({ atMs }) => Math.floor(atMs / 1_000));
    const most1s = Math.max(...[...seconds.values()].map((of) => of.length));
    // They came all at once and are looked up over a quarter of the TTL; later rounds are spread more evenly still.
    expect(most1s).toBeLessThan((10_000 / (0.25 * 60)) * 1.4);
  });

  it('are looked up as often with many sessions as with one', async () => {
    const { enter, lookUps } = rig();
    for (let n = 0; n < 8; n += 1) enter('one', `one.${n}`);
    await vi.advanceTimersByTimeAsync(0.99 * TTL_MS);
    expect(lookUps).toHaveLength(1);
  });

  it('go when the store says no, all their sessions, and are told once', async () => {
    const { enter, gone } = rig((userId) => (userId === 'two' ? 'registered' : 'not_registered'));
    enter('one', 'one.1');
    enter('one', 'one.2');
    enter('two');
    await vi.advanceTimersByTimeAsync(TTL_MS);
    expect(gone).toEqual(['one']);
  });

  it('go again who have come back while their last sessions were ending', async () => {
    let isRegistered = false;
    const ENDS_MS = 1_000;
    const { enter, gone, lookUps } = rig(
      () => (isRegistered ? 'registered' : 'not_registered'),
      ENDS_MS,
    );
    enter('one', 'one.1');
    while (lookUps.length === 0) await vi.advanceTimersByTimeAsync(LOOK_UP_MS);
    await vi.advanceTimersByTimeAsync(2 * LOOK_UP_MS);
    isRegistered = true;
    enter('one', 'one.2');
    await vi.advanceTimersByTimeAsync(2 * TTL_MS);
    expect(gone).toEqual([]);
    isRegistered = false;
    await vi.advanceTimersByTimeAsync(TTL_MS + ENDS_MS);
    expect(gone).toEqual(['one']);
  });

  it('stay while the store fails, and are asked for over a while when it is back', async () => {
    let isAway = true;
    const { enter, gone, lookUps } = rig(() => (isAway ? 'store_unavailable' : 'registered'));
    for (let n = 0; n < 1_000; n += 1) enter(`user-${n}`);
    await vi.advanceTimersByTimeAsync(5 * TTL_MS);
    expect(gone).toEqual([]);
    isAway = false;
    lookUps.length = 0;
    await vi.advanceTimersByTimeAsync(TTL_MS / 2 + 1_000);
    // All but those that were being looked up already.
    const asked = new Set(lookUps.map(({ userId }) => userId)).size;
    expect(asked).toBeGreaterThanOrEqual(1_000 - LOOK_AGAIN_AT_ONCE);
    const seconds = Map.groupBy(lookUps, ({ atMs }) => Math.floor(atMs / 1_000));
    expect(Math.max(...[...seconds.values()].map((of) => of.length))).toBeLessThan(200);
  });

  it('cost nothing once they have left', async () => {
    const { admitted, enter, gone, lookUps } = rig();
    enter('one');
    admitted.left('one' as UserId, 'one');
    await vi.advanceTimersByTimeAsync(2 * TTL_MS);
    expect([gone, lookUps]).toEqual([[], []]);
  });
});
