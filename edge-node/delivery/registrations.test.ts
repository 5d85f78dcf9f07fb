import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { UserId } from '../../shared/ids.ts';
import { LogLimiter } from '../../shared/logger.ts';
import type { Store } from '../../shared/store/store.ts';
import { Registrations } from './registrations.ts';

const USER = 'user-1' as UserId;
const TTL_MS = 60_000;

interface LookUp {
  answer(isRegistered: boolean): void;
  fail(): void;
}

/** A store whose look-ups are answered by hand, and a clock that is set by hand. */
function rig() {
  const lookUps: LookUp[] = [];
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs, epochMs: () => clock.nowMs };
  const isRegistered = () =>
    new Promise<boolean>((resolve, reject) => {
      lookUps.push({ answer: resolve, fail: () => reject(new Error('away')) });
    });
  const registrations = new Registrations({
    store: { isRegistered } as unknown as Store,
    ttlMs: TTL_MS,
    clock,
    log: new LogLimiter(pino({ level: 'silent' })),
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

  it('remembers no refusal: who registers and connects again is let in', async () => {
    const { registrations, lookUps } = rig();
    const first = registrations.check(USER);
    lookUps[0]!.answer(false);
    expect(await first).toBe('not_registered');
    const second = registrations.check(USER);
    lookUps[1]!.answer(true);
    expect(await second).toBe('registered');
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
