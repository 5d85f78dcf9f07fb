import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PlaceId, UserId } from '../../shared/ids.ts';
import { GHOST_MS, SESSION_BURST } from '../../shared/limits.ts';
import type { Answer } from './messages.ts';
import { type Member, NodePlaces } from './node-places.ts';

const FAR = Number.POSITIVE_INFINITY;

class Rig {
  nowMs = 0;
  readonly places: NodePlaces;
  readonly members: (Member & { readonly left: PlaceId[] })[] = [];

  constructor(
    users: number,
    { ofUser = FAR, ofAddress = FAR, maxOfWorker = FAR, workers = 2 } = {},
  ) {
    const clock = { monotonicMs: () => this.nowMs, epochMs: () => this.nowMs };
    this.places = new NodePlaces({ limits: { users, ofUser, ofAddress }, maxOfWorker, clock });
    for (let i = 0; i < workers; i += 1) this.join();
  }

  join() {
    const left: PlaceId[] = [];
    const member = { left, replaced: (place: PlaceId) => void left.push(place) };
    this.members.push(member);
    this.places.join(member);
    return member;
  }

  member(at: number) {
    return this.members[at % this.members.length] as Rig['members'][number];
  }

  enter(at: number, user: string, address = '192.0.2.1', isMovable = true): Answer {
    const visitor = { userId: user as UserId, address, isChannelLive: true };
    const answer = this.places.enter(this.member(at), visitor, isMovable);
    // What has a place watches a channel that is there.
    if (answer.kind === 'here' || answer.kind === 'there') this.places.attached(answer.place);
    return answer;
  }

  users(): number[] {
    return this.members.map((member) => this.places.usersOf(member));
  }
}

const placeOf = (answer: Answer) => ('place' in answer ? answer.place : undefined) as PlaceId;

describe('the places of a node', () => {
  test('are as many as its limits allow, whatever worker newcomers come to', () => {
    const rig = new Rig(3, { ofUser: 2, ofAddress: 2 });
    expect(rig.enter(0, 'a', 'x').kind).toBe('here');
    expect(rig.enter(1, 'b', 'x').kind).toBe('here');
    expect(rig.enter(0, 'c', 'x')).toEqual({ kind: 'refused', limit: 'per_address' });
    const third = rig.enter(1, 'c', 'y');
    expect(rig.enter(0, 'd', 'z')).toEqual({ kind: 'refused', limit: 'max_users' });
    rig.places.left(placeOf(third));
    expect(rig.enter(0, 'd', 'z').kind).toBe('here');
  });

  test('are counted of a worker, too, that takes users before it has said so, and free once it is dead', () => {
    const rig = new Rig(3, { maxOfWorker: 2, workers: 0 });
    const left: PlaceId[] = [];
    const early = { left, replaced: (place: PlaceId) => void left.push(place) };
    rig.members.push(early);
    const visitor = { userId: 'a' as UserId, address: 'x', isChannelLive: true };
    expect(rig.places.look(early, visitor)).toEqual({ kind: 'free' });
    expect(rig.enter(0, 'a').kind).toBe('here');
    rig.places.join(early);
    expect(rig.users()).toEqual([1]);
    expect(rig.places.part(early)).toBe(1);
    expect(rig.places.users).toBe(0);
  });

  test("are made free by a session of another worker, where it is the user's oldest", () => {
    const rig = new Rig(10, { ofUser: 2 });
    const first = placeOf(rig.enter(0, 'a'));
    rig.enter(1, 'a');
    expect(rig.enter(1, 'a').kind).toBe('here');
    expect(rig.member(0).left).toEqual([first]);
    expect(rig.enter(1, 'a')).toEqual({ kind: 'refused', limit: 'per_user' });
  });

  test('are made free by a ghost that its worker has told of, and by none that it tells of no more', () => {
    const rig = new Rig(2);
    const ghost = placeOf(rig.enter(0, 'gone'));
    rig.enter(1, 'b');
    rig.places.halfClosed(ghost);
    rig.places.noteGhosts(rig.member(0), [], [[ghost, GHOST_MS]]);
    rig.places.noteGhosts(rig.member(0), [], []);
    expect(rig.enter(1, 'c')).toEqual({ kind: 'refused', limit: 'max_users' });
    rig.places.noteGhosts(rig.member(0), [], [[ghost, GHOST_MS]]);
    expect(rig.enter(1, 'c').kind).toBe('here');
    expect(rig.member(0).left).toEqual([ghost]);
  });

  test('are free when their worker is dead, those too of connections that it was to send on', () => {
    const rig = new Rig(100);
    for (let i = 0; i < 20; i += 1) rig.enter(0, `user-${i}`);
    const [own = 0, sentOn = 0] = rig.users();
    expect(sentOn).toBeGreaterThan(0);
    expect(rig.places.part(rig.member(0))).toBe(own);
    // None of them had arrived.
    expect(rig.users()).toEqual([0, 0]);
    expect(rig.places.users).toBe(0);
  });

  test('how often a user may begin is counted for all workers', () => {
    const rig = new Rig(1_000);
    for (let i = 0; i < SESSION_BURST; i += 1) rig.places.left(placeOf(rig.enter(i, 'zapper')));
    expect(rig.enter(0, 'zapper')).toEqual({ kind: 'refused', limit: 'too_often' });
  });

  test('a worker whose files are used up takes nobody more, and others take its newcomers', () => {
    const rig = new Rig(100, { maxOfWorker: 5 });
    for (let i = 0; i < 10; i += 1) expect(rig.enter(0, `user-${i}`).kind).not.toBe('refused');
    expect(rig.users()).toEqual([5, 5]);
    expect(rig.enter(0, 'one-more')).toEqual({ kind: 'refused', limit: 'max_users' });
    rig.places.part(rig.member(1));
    expect(rig.places.maxUsers).toBe(5);
  });

  test('a connection that cannot be sent on stays, and none is sent to a worker that drains', () => {
    const rig = new Rig(100);
    for (let i = 0; i < 20; i += 1) {
      expect(rig.enter(0, `user-${i}`, 'x', false).kind).toBe('here');
    }
    rig.places.close(rig.member(1));
    expect(rig.enter(0, 'user-20').kind).toBe('here');
  });

  test('a session that makes room while its connection is on its way hears of it behind the connection', () => {
    const rig = new Rig(100, { ofUser: 1 });
    for (let i = 0; i < 3; i += 1) rig.enter(0, `user-${i}`, 'x', false);
    const onItsWay = rig.enter(0, 'a');
    expect(onItsWay.kind).toBe('there');
    expect(rig.enter(0, 'a').kind).not.toBe('refused');
    expect(rig.member(1).left).toEqual([]);
    const passed: PlaceId[][] = [];
    rig.places.moved(placeOf(onItsWay), () => passed.push([...rig.member(1).left]));
    expect(passed).toEqual([[]]);
    expect(rig.member(1).left).toEqual([placeOf(onItsWay)]);
  });
});

test('500 users are spread within a tenth, whatever worker the kernel brings them to', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 3 }), { minLength: 500, maxLength: 500 }), (hashes) => {
      const rig = new Rig(1_000, { workers: 4 });
      for (const [i, at] of hashes.entries()) {
        const answer = rig.enter(at, `user-${i}`);
        if (answer.kind === 'there') rig.places.moved(answer.place, () => {});
      }
      const users = rig.users();
      expect(Math.max(...users) - Math.min(...users)).toBeLessThanOrEqual(0.1 * (500 / 4));
    }),
    { numRuns: 20 },
  );
});

test('whatever happens in whatever order, a place is held by nobody or one, and no limit is passed', () => {
  const step = fc.record({
    what: fc.constantFrom('enter' as const, 'leave' as const, 'arrive' as const, 'die' as const),
    at: fc.nat({ max: 7 }),
    user: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    address: fc.constantFrom('x', 'y'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const rig = new Rig(8, { ofUser: 3, ofAddress: 6, maxOfWorker: 5, workers: 3 });
      const held: PlaceId[] = [];
      const onTheWay: PlaceId[] = [];
      for (const { what, at, user, address } of steps) {
        rig.nowMs += 1_000;
        if (what === 'enter') {
          const answer = rig.enter(at, user, address);
          if (answer.kind === 'here') held.push(answer.place);
          else if (answer.kind === 'there') onTheWay.push(answer.place);
        } else if (what === 'leave') {
          rig.places.left(held.splice(at % Math.max(1, held.length), 1)[0] as PlaceId);
        } else if (what === 'arrive') {
          const [place] = onTheWay.splice(at % Math.max(1, onTheWay.length), 1);
          if (place && rig.places.moved(place, () => {})) held.push(place);
        } else {
          const member = rig.member(at);
          rig.places.part(member);
          rig.places.join(member);
        }
        const users = rig.users();
        expect(users.reduce((a, b) => a + b)).toBe(rig.places.users);
        expect(rig.places.users).toBeLessThanOrEqual(8);
        expect(Math.max(...users)).toBeLessThanOrEqual(5);
      }
      for (const place of [...held, ...onTheWay]) rig.places.left(place);
      for (const member of rig.members) rig.places.part(member);
      expect(rig.places.users).toBe(0);
    }),
    { numRuns: 50 },
  );
});
