import { setImmediate as polled } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { UserId } from '../../shared/ids.ts';
import { LOOK_UP_AGAIN_MS, LOOK_UPS_MAX } from '../../shared/limits.ts';
import { LogLimiter } from '../../shared/logger.ts';
import { Registrations } from './registrations.ts';

const USER = 'user-1' as UserId;
const TTL_MS = 60_000;

interface LookUp {
  answer(isRegistered: boolean): void;
  fail(): void;
}

/** A store whose look-ups are answered by hand, unless told otherwise, and a clock that is set by hand. */
function rig(isRegistered?: () => Promise<boolean>) {
  const lookUps: LookUp[] = [];
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs, epochMs: () => clock.nowMs };
  const byHand = () =>
    new Promise<boolean>((resolve, reject) => {
      lookUps.push({ answer: resolve, fail: () => reject(new Error('away')) });
    });
  const registrations = new Registrations({
    store: { isRegistered: isRegistered ?? byHand },
    ttlMs: TTL_MS,
    clock,
    limiter: new LogLimiter(pino({ level: 'silent' })),
  });
  return { registrations, lookUps, clock };
}

describe('registrations', () => {
  it('asks once for a known user until the time is up, then again', async () => {
    const { registrations, lookUps, clock } = rig();
    const first = registrations.check(USER);
    lookUps[0]!.answer(true);
    expect(await first).toBe('registered');
    clock.nowMs = TTL_MS - 1;
    expect(await registrations.check(USER)).toBe('registered');
    expect(lookUps.length).toBe(1);
    clock.nowMs = TTL_MS;
    const again = registrations.check(USER);
    expect(lookUps.length).toBe(2);
    lookUps[1]!.answer(false);
    expect(await again).toBe('not_registered');
  });

  it('answers no refusal from memory: who registers and connects again is let in', async () => {
    const { registrations, lookUps } = rig();
    const first = registrations.check(USER);
    lookUps[0]!.answer(false);
    expect(await first).toBe('not_registered');
    const second = registrations.check(USER);
    await expect.poll(() => lookUps.length).toBe(2);
    lookUps[1]!.answer(true);
    expect(await second).toBe('registered');
  });

  it('asks for an unknown id at most every half a second, however many ask, and answers them all by it', async () => {
    const { registrations, lookUps, clock } = rig();
    const first = registrations.check(USER);
    lookUps[0]!.answer(false);
    await first;
    const many = Array.from({ length: 1000 }, () => registrations.check(USER));
    expect(registrations.waiting).toBe(1000);
    expect(lookUps.length).toBe(1);
    await expect.poll(() => lookUps.length).toBe(2);
    lookUps[1]!.answer(false);
    expect(new Set(await Promise.all(many))).toEqual(new Set(['not_registered']));
    clock.nowMs += LOOK_UP_AGAIN_MS;
    void registrations.check(USER);
    expect(lookUps.length).toBe(3);
  });

  it('has LOOK_UPS_MAX look-ups under way and no more, and goes on when one ends, with an answer or a failure', async () => {
    const { registrations, lookUps } = rig();
    const ids = Array.from({ length: LOOK_UPS_MAX + 2 }, (_, i) => `user-${i}` as UserId);
    const checks = ids.map((id) => registrations.check(id));
    expect(lookUps.length).toBe(LOOK_UPS_MAX);
    lookUps[0]!.answer(true);
    await expect.poll(() => lookUps.length).toBe(LOOK_UPS_MAX + 1);
    lookUps[LOOK_UPS_MAX]!.answer(true);
    lookUps[1]!.fail();
    await expect.poll(() => lookUps.length).toBe(LOOK_UPS_MAX + 2);
    expect(await checks[1]).toBe('store_unavailable');
    expect(await checks[LOOK_UPS_MAX]).toBe('registered');
    // Nobody answers the others: each has its time, and then no permit is held any more.
    const answers = await Promise.all(checks);
    expect(answers.filter((answer) => answer === 'registered')).toHaveLength(2);
    expect(registrations.waiting).toBe(0);
  });

  it('leaves the event loop its turns where the store answers as fast as it is asked', async () => {
    let asked = 0;
    const isRegistered = async () => {
      asked += 1;
      return true;
    };
    const { registrations } = rig(isRegistered);
    const ids = Array.from({ length: 10 * LOOK_UPS_MAX }, (_, i) => `user-${i}` as UserId);
    const all = Promise.all(ids.map((id) => registrations.check(id)));
    for (let before = 0; asked < ids.length; before = asked) {
      await polled();
      expect(asked - before).toBeLessThanOrEqual(2 * LOOK_UPS_MAX);
    }
    expect(new Set(await all)).toEqual(new Set(['registered']));
  });

  it('lets a known user in while the store fails, however old the knowledge, and nobody else', async () => {
    const { registrations, lookUps, clock } = rig();
    const first = registrations.check(USER);
    lookUps[0]!.answer(true);
    await first;
    clock.nowMs = 100 * TTL_MS;
    const known = registrations.check(USER);
    lookUps[1]!.fail();
    expect(await known).toBe('registered');
    const unknown = registrations.check('user-2' as UserId);
    lookUps[2]!.fail();
    expect(await unknown).toBe('store_unavailable');
    expect(registrations.failures).toBe(2);
  });

  it('joins equal look-ups under way where the answer is yes', async () => {
    const { registrations, lookUps } = rig();
    const both = [registrations.check(USER), registrations.check(USER)];
    expect(lookUps.length).toBe(1);
    lookUps[0]!.answer(true);
    expect(await Promise.all(both)).toEqual(['registered', 'registered']);
  });

  it('asks again after a joined no: the registration may have come after that look-up began', async () => {
    const { registrations, lookUps } = rig();
    const early = registrations.check(USER);
    const late = [registrations.check(USER), registrations.check(USER)];
    lookUps[0]!.answer(false);
    expect(await early).toBe('not_registered');
    await expect.poll(() => lookUps.length).toBe(2); // one more for both of them
    lookUps[1]!.answer(true);
    expect(await Promise.all(late)).toEqual(['registered', 'registered']);
    expect(lookUps.length).toBe(2);
  });
});
