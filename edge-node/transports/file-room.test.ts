import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FileRoom } from './file-room.ts';

const SHARES = { users: 20, connections: 40, crowd: 5 };
const CROWDS = 4;

/** Crowds whose connections all may go, or none of crowd 0's. */
function rig(isStubborn = false) {
  const sessions = { size: 0 };
  const room = new FileRoom(SHARES, sessions);
  const crowds = Array.from({ length: CROWDS }, (_, i) => {
    const crowd = {
      size: 0,
      makeRoom() {
        if (crowd.size === 0 || (isStubborn && i === 0)) return false;
        crowd.size -= 1;
        return true;
      },
    };
    const hasRoom = room.join(crowd);
    const come = () => {
      if (!hasRoom()) return false;
      crowd.size += 1;
      return true;
    };
    return { crowd, come };
  });
  return { sessions, crowds };
}

it('one crowd alone takes all files but the shares of the others', () => {
  const { crowds } = rig(true);
  while (crowds[0]!.come());
  expect(crowds[0]!.crowd.size).toBe(SHARES.connections - (CROWDS - 1) * SHARES.crowd);
  for (const { crowd, come } of crowds.slice(1)) {
    while (come());
    expect(crowd.size).toBe(SHARES.crowd);
  }
});

it('whoever has borrowed gives way to whoever is owed, once users have taken what was free', () => {
  const { sessions, crowds } = rig();
  while (crowds[0]!.come());
  const borrowed = crowds[0]!.crowd.size;
  sessions.size = SHARES.users;
  for (let i = 0; i < SHARES.crowd; i += 1) expect(crowds[1]!.come()).toBe(true);
  expect(crowds[0]!.crowd.size).toBeLessThan(borrowed);
});

it('whatever comes and goes, there are no more connections than files', () => {
  const step = fc.tuple(fc.nat(CROWDS - 1), fc.constantFrom('come', 'go', 'session', 'end'));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const { sessions, crowds } = rig();
      for (const [i, what] of steps) {
        const { crowd, come } = crowds[i]!;
        if (what === 'come') come();
        else if (what === 'end') sessions.size = Math.max(0, sessions.size - 1);
        else if (crowd.size > 0 && (what === 'go' || sessions.size < SHARES.users)) {
          crowd.size -= 1;
          if (what === 'session') sessions.size += 1;
        }
        const arrived = crowds.reduce((sum, { crowd: { size } }) => sum + size, 0);
        expect(arrived + sessions.size).toBeLessThanOrEqual(SHARES.connections);
      }
    }),
  );
});
