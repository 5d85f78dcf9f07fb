import { expect, test } from 'vitest';
import { systemClock } from '../../../shared/clock.ts';
import { mergeStatus } from './merge-status.ts';

const clock = systemClock();

test('figures are summed, or the greatest or the mean, as each is', async () => {
  const one = {
    loadFactor: 2,
    usersTotal: 3,
    source: { state: 'connected', bytes: 100 },
    store: {
      answers: true,
      usage: { oldestPendingMs: 5, spool: { health: { kind: 'writable' } } },
    },
  };
  const other = {
    loadFactor: 4,
    usersTotal: 5,
    source: { state: 'waiting', reason: 'refused', bytes: 50 },
    store: {
      answers: false,
      usage: { oldestPendingMs: 3, spool: { health: { kind: 'writable' } } },
    },
  };
  expect(await mergeStatus([one, other], clock)).toEqual({
    loadFactor: 4,
    usersTotal: 8,
    source: { state: 'connected, waiting', reason: 'refused', bytes: 150 },
    store: {
      answers: false,
      usage: { oldestPendingMs: 5, spool: { health: { kind: 'writable' } } },
    },
  });
});

test('channels are put together by their ids, and each user is listed', async () => {
  const channel = (id: string, watchers: number, rate: number | null, isOff?: boolean) => ({
    channel: id,
    watchers,
    secondsPerSecond: rate,
    ...(isOff && { billedWrongly: true }),
  });
  const merged = await mergeStatus(
    [
      { channels: [channel('a', 1, 1), channel('b', 2, null)], users: [{ user: 'u' }] },
      { channels: [channel('a', 3, 2, true)], users: [{ user: 'u' }, { user: 'v' }] },
    ],
    clock,
  );
  expect(merged).toEqual({
    channels: [
      { channel: 'a', watchers: 4, secondsPerSecond: 1.5, billedWrongly: true },
      { channel: 'b', watchers: 2, secondsPerSecond: null },
    ],
    users: [{ user: 'u' }, { user: 'u' }, { user: 'v' }],
  });
});
