import { describe, expect, it } from 'vitest';
import { GHOST_MS } from '../../shared/limits.ts';
import { fromAll, fromUser, type Occupant } from './who-makes-room.ts';

const NOW_MS = 100_000;

function occupant(name: string, times: Partial<Occupant> = {}) {
  const nothing = { writingSinceMs: undefined, abandonedSinceMs: undefined };
  return { name, sinceMs: 0, ...nothing, ...times };
}

describe('where all places are taken', () => {
  const gone = occupant('gone', { abandonedSinceMs: NOW_MS - GHOST_MS });
  const longGone = occupant('long gone', { abandonedSinceMs: NOW_MS - 2 * GHOST_MS });
  const justGone = occupant('just gone', { abandonedSinceMs: NOW_MS - GHOST_MS + 1 });
  const backAgain = occupant('delivered to since its FIN');
  const [first, second] = [occupant('first to wait'), occupant('second to wait')];

  it.each([
    ['the one abandoned longest ago', [gone, longGone, justGone], [first], true, longGone],
    ['nobody who may only be reconnecting', [justGone], [], true, undefined],
    ['nobody who has been delivered to since', [backAgain], [], true, undefined],
    ['then who has waited longest for an absent channel', [justGone], [first, second], true, first],
    ['but for a newcomer who would wait as well, nobody', [justGone], [first], false, undefined],
    ['an abandoned one also for a newcomer who will wait', [gone], [first], false, gone],
  ])('makes room: %s', (_name, abandoned, waiting, isLive, leaver) => {
    const found = fromAll(abandoned, waiting, isLive, NOW_MS);
    expect(found?.session).toBe(leaver);
    if (found) expect(found.kind).toBe(found.session === first ? 'waiting' : 'abandoned');
  });
});

describe("where all of a user's places are taken", () => {
  const stuck = occupant('stuck', { sinceMs: 5, writingSinceMs: NOW_MS - GHOST_MS });
  const longStuck = occupant('long stuck', { sinceMs: 6, writingSinceMs: NOW_MS - GHOST_MS - 1 });
  const busy = occupant('busy', { sinceMs: 1, writingSinceMs: NOW_MS - GHOST_MS + 1 });
  const gone = occupant('gone', { sinceMs: 4, abandonedSinceMs: NOW_MS });
  const [oldest, newest] = [occupant('oldest', { sinceMs: 2 }), occupant('newest', { sinceMs: 9 })];

  it.each([
    ['the one whose write has waited longest', [gone, stuck, longStuck, oldest], true, longStuck],
    ['then an abandoned one, however short ago', [oldest, gone, newest], true, gone],
    ['then the oldest', [newest, oldest], true, oldest],
    ['nobody where one was replaced just now', [newest, oldest, busy], false, undefined],
    ['a ghost also then', [newest, stuck], false, stuck],
  ])('makes room: %s', (_name, sessions, mayReplace, leaver) => {
    expect(fromUser(sessions, mayReplace, NOW_MS)?.session).toBe(leaver);
  });
});
