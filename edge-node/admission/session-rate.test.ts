import { expect, it } from 'vitest';
import type { UserId } from '../../shared/ids.ts';
import { SESSION_BURST, SESSION_INTERVAL_MS } from '../../shared/limits.ts';
import { SessionRate } from './session-rate.ts';

const USER = 'user-1' as UserId;

/** Sessions that one user gets who tries once every so often. */
function begun(rate: SessionRate, fromMs: number, untilMs: number, stepMs: number): number {
  let sessions = 0;
  for (let nowMs = fromMs; nowMs < untilMs; nowMs += stepMs) {
    if (!rate.allows(USER, nowMs)) continue;
    rate.count(USER, nowMs);
    sessions += 1;
  }
  return sessions;
}

it('lets a user begin a burst of sessions at once, then one an interval, and nobody else pays for it', () => {
  const rate = new SessionRate();
  for (let i = 0; i < SESSION_BURST; i += 1) {
    expect(rate.allows(USER, 0)).toBe(true);
    rate.count(USER, 0);
  }
  expect(rate.allows(USER, SESSION_INTERVAL_MS - 1)).toBe(false);
  expect(rate.allows(USER, SESSION_INTERVAL_MS)).toBe(true);
  expect(rate.allows('user-2' as UserId, 0)).toBe(true);
});

it('holds a user who zaps without end to the rate, and gives the burst back to one who rests', () => {
  const rate = new SessionRate();
  const hourMs = 3_600_000;
  const most = SESSION_BURST - 1 + hourMs / SESSION_INTERVAL_MS;
  expect(begun(rate, 0, hourMs, 10)).toBe(most);
  expect(begun(rate, 2 * hourMs, 2 * hourMs + 10, 0.1)).toBe(SESSION_BURST);
});
