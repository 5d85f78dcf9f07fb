import { expect, test, vi } from 'vitest';
import type { PlaceId, UserId } from '../../shared/ids.ts';
import { PLACE_TIMEOUT_MS } from '../../shared/limits.ts';
import type { Session } from '../delivery/session.ts';
import type { Connection } from '../delivery/sessions.ts';
import type { FromWorker } from './messages.ts';
import { RemoteAdmission } from './remote-admission.ts';

const PLACE = 7 as PlaceId;
const visitor = { userId: 'user-1' as UserId, address: '192.0.2.1', isChannelLive: true };

class Rig {
  readonly told: FromWorker[] = [];
  readonly resets: string[] = [];
  isGone = false;
  begun = 0;
  lost = 0;
  readonly admission = new RemoteAdmission({
    maxUsers: 10,
    tell: (item) => void this.told.push(item),
    move: async () => false,
    lost: () => {
      this.lost += 1;
    },
  });

  enter() {
    return this.admission.admit({
      visitor,
      isMovable: true,
      isGone: () => this.isGone,
      claim: () => ({}) as Connection,
      begin: (_connection, hold) => {
        this.begun += 1;
        hold({ reset: (reason: string) => this.resets.push(reason) } as unknown as Session);
      },
    });
  }
}

test('a session that makes room in the very message that lets it in is ended, and not forgotten', async () => {
  const rig = new Rig();
  const entered = rig.enter();
  rig.admission.heard({ kind: 'answer', ticket: 1, answer: { kind: 'here', place: PLACE } });
  rig.admission.heard({ kind: 'replaced', place: PLACE });
  expect(rig.resets).toEqual(['replaced']);
  expect(await entered).toEqual({ kind: 'begun' });
});

test('the place of a client that has gone meanwhile is given back', async () => {
  const rig = new Rig();
  const entered = rig.enter();
  rig.isGone = true;
  rig.admission.heard({ kind: 'answer', ticket: 1, answer: { kind: 'here', place: PLACE } });
  expect(await entered).toEqual({ kind: 'gone' });
  expect(rig.told.at(-1)).toEqual({ kind: 'left', place: PLACE });
  expect(rig.begun).toBe(0);
});

test('a supervisor that does not answer leaves no place, and what it gives too late is given back', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate'] });
  const rig = new Rig();
  const entered = rig.enter();
  await vi.advanceTimersByTimeAsync(PLACE_TIMEOUT_MS);
  await vi.advanceTimersByTimeAsync(1);
  vi.useRealTimers();
  expect(await entered).toEqual({ kind: 'refused', limit: 'supervisor' });
  rig.admission.heard({ kind: 'answer', ticket: 1, answer: { kind: 'here', place: PLACE } });
  expect(rig.told.at(-1)).toEqual({ kind: 'left', place: PLACE });
  expect(rig.begun).toBe(0);
});

test('the place of a connection that cannot be sent on is given back, and the connection counted', async () => {
  const rig = new Rig();
  const entered = rig.enter();
  rig.admission.heard({ kind: 'answer', ticket: 1, answer: { kind: 'there', place: PLACE } });
  await entered;
  expect(rig.told.at(-1)).toEqual({ kind: 'left', place: PLACE });
  expect(rig.lost).toBe(1);
});
