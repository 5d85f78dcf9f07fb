import { describe, expect, it } from 'vitest';
import { OPERATOR_STREAMS_MAX } from '../../shared/limits.ts';
import { EdgeRig } from '../testing/edge-rig.ts';
import { Feed } from '../testing/feed.ts';
import { Onlooker } from '../testing/onlooker.ts';
import type { UserReport } from './snapshot.ts';

const TOKEN = 'an-operators-token-of-enough-bytes';
const OTHER_TOKEN = 'the-next-token-that-is-good-already';
const AUTHORIZATION = { authorization: `Bearer ${TOKEN}` };

type Headers = Readonly<Record<string, string>>;

async function ask(rig: EdgeRig, path: string, headers: Headers = {}, method = 'GET') {
  const answer = await fetch(`${rig.origin}${path}`, { headers, method });
  const body = await answer.text();
  const { code } = body.startsWith('{') ? JSON.parse(body) : { code: undefined };
  return { status: answer.status, code, body };
}

describe('an operator who looks on', () => {
  it('is sent the node, its channels and its users, and then what changes', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    const user = await rig.watch('user-1', 'zato01');
    const onlooker = await Onlooker.open(rig.origin);
    await rig.deliver(feed.make(40), user);
    await rig
      .eventually(() => onlooker.newest)
      .toMatchObject({ sample: { users: 1 }, users: { rows: [{ seconds: 0.8 }] } });
    const { node, channels, users } = onlooker.newest!;
    expect(onlooker.history.length).toBe(1);
    expect(node).toMatchObject({
      accepting: true,
      source: { state: 'connected' },
      store: { answers: true, usage: { reachable: true } },
      usersTotal: 1,
    });
    expect(node.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(channels).toMatchObject({
      ...{ total: 1, matched: 1, offset: 0 },
      rows: [{ channel: 'zato01', received: 40, lost: 0, watchers: 1 }],
    });
    expect(users.rows).toMatchObject([
      { user: 'user-1', channel: 'zato01', address: '127.0.0.1', client: '', lagPackets: 0 },
    ]);
    await rig.eventually(() => onlooker.newest?.channels.rows[0]?.rates.length).toBeGreaterThan(1);
    const sum = onlooker.newest!.channels.rows[0]!.rates.reduce((all, rate) => all + rate, 0);
    expect(Math.round(sum)).toBeGreaterThan(0);
  });

  it('sees a page of the users, by search and order', async () => {
    const rig = await EdgeRig.start();
    rig.source.send(new Feed('zato01').make(1));
    const ids = Array.from({ length: 12 }, (_, i) => `user-${String(i).padStart(2, '0')}`);
    await rig.watchAll(ids, 'zato01');
    await rig.watch('another', 'zato02');
    const second = await Onlooker.open(
      rig.origin,
      'usersFrom=5&usersRows=5&usersBy=-user&users=user-',
    );
    await rig
      .eventually(() => second.newest?.users)
      .toMatchObject({
        ...{ total: 13, matched: 12, offset: 5 },
        rows: ['06', '05', '04', '03', '02'].map((n) => ({ user: `user-${n}` })),
      });
    const ofChannel = await Onlooker.open(rig.origin, 'users=ZATO02');
    await rig
      .eventually(() => ofChannel.newest?.users)
      .toMatchObject({ matched: 1, rows: [{ user: 'another' }] });
  });

  it.each([
    'usersBy=password',
    'usersRows=100000',
    'channelsFrom=-1',
    'users=a&users=b',
    'channelsBy=--lost',
  ])('who asks for %s is refused', async (query) => {
    const rig = await EdgeRig.start();
    expect(await ask(rig, `/events?${query}`)).toMatchObject({ status: 400, code: 'bad_request' });
  });

  it('gives way to the newest, and keeps nobody from health and metrics', async () => {
    const rig = await EdgeRig.start();
    const onlookers: Onlooker[] = [];
    for (let i = 0; i <= OPERATOR_STREAMS_MAX; i += 1)
      onlookers.push(await Onlooker.open(rig.origin));
    await rig.eventually(() => onlookers.map(({ isEnded }) => isEnded).indexOf(false)).toBe(1);
    expect((await ask(rig, '/healthz')).status).toBe(200);
    await rig.eventually(() => onlookers.at(-1)?.snapshots.length).toBeGreaterThan(1);
  });

  it('does not hold up a stop', async () => {
    const rig = await EdgeRig.start();
    const onlooker = await Onlooker.open(rig.origin);
    await rig.stop();
    await rig.eventually(() => onlooker.isEnded).toBe(true);
  });
});

describe('a session that an operator closes', () => {
  it('ends cleanly, for a reason of its own, and no other does', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    const [user, other] = await rig.watchAll(['user-1', 'user-2'], 'zato01');
    await rig.deliver(feed.make(10), user!, other!);
    const { users } = await rig.status('user-1');
    const path = `/sessions/${users[0]!.id}/close`;
    expect((await ask(rig, path, {}, 'POST')).status).toBe(204);
    await rig.eventually(() => user!.isEnded).toBe(true);
    expect([user!.errorCode, user!.bytes.equals(feed.bytes)]).toEqual([undefined, true]);
    await rig.eventually(() => rig.metric('closes_total', 'closed_by_operator')).toBe(1);
    expect(await rig.metric('users')).toBe(1);
    expect(await ask(rig, path, {}, 'POST')).toMatchObject({
      status: 404,
      code: 'no_such_session',
    });
    await rig.deliver(feed.make(10), other!);
  });

  it('has an id that means nobody once the node was started again', async () => {
    const ids: number[] = [];
    for (let start = 0; start < 2; start += 1) {
      const rig = await EdgeRig.start();
      await rig.watch('user-1', 'zato01');
      const { users } = await rig.status('user-1');
      ids.push(users[0]!.id);
    }
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('is not closed by a page from elsewhere', async () => {
    const rig = await EdgeRig.start();
    await rig.watch('user-1', 'zato01');
    const { users } = await rig.status('user-1');
    const path = `/sessions/${users[0]!.id}/close`;
    const foreign: Headers[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: rig.origin.replace('127.0.0.1', 'localhost') },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of foreign) {
      expect(await ask(rig, path, headers, 'POST')).toMatchObject({ code: 'cross_site' });
    }
    expect(await rig.metric('users')).toBe(1);
    const own = { origin: rig.origin, 'sec-fetch-site': 'same-origin' };
    expect((await ask(rig, path, own, 'POST')).status).toBe(204);
  });
});

describe('a user', () => {
  it('is told of with sessions here and the hours of the last day', async () => {
    const rig = await EdgeRig.start({ USAGE_FLUSH_MS: '100' });
    const user = await rig.watch('user-1', 'zato01');
    await rig.deliver(new Feed('zato01').make(100), user);
    const report = async (): Promise<UserReport> =>
      JSON.parse((await ask(rig, '/users/user-1')).body);
    await rig.eventually(async () => (await report()).usage.sessions).toEqual({ zato01: 2 });
    const { sessions, usage } = await report();
    expect(sessions).toMatchObject([{ user: 'user-1', seconds: 2 }]);
    expect(usage.hours.flatMap((hour) => Object.keys(hour.sessions))).toContain('zato01');
    expect(await ask(rig, '/users/a%20b')).toMatchObject({ code: 'bad_user_id' });
    expect((await ask(rig, `/users/${encodeURIComponent('ö'.repeat(64))}`)).status).toBe(200);
  });
});

describe('the operators’ token', () => {
  const HIDDEN = ['/status', '/events', '/users/user-1', '/nowhere'];

  it('is asked for by all but health, metrics, and the form that it is entered in', async () => {
    const rig = await EdgeRig.start({ ADMIN_TOKEN: `${TOKEN},${OTHER_TOKEN}` });
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      expect((await ask(rig, path)).status).toBe(200);
    }
    expect((await ask(rig, '/')).code).not.toBe('operators_only');
    for (const path of HIDDEN) {
      for (const authorization of ['', 'Bearer', `Bearer ${TOKEN}x`, `Basic ${TOKEN}`]) {
        expect(await ask(rig, path, { authorization })).toMatchObject({ code: 'operators_only' });
      }
    }
    expect(await ask(rig, '/sessions/1/close', {}, 'POST')).toMatchObject({ status: 401 });
    expect((await ask(rig, '/status', AUTHORIZATION)).status).toBe(200);
    const next = { authorization: `Bearer ${OTHER_TOKEN}` };
    expect((await ask(rig, '/status', next)).status).toBe(200);
    expect(await ask(rig, '/nowhere', AUTHORIZATION)).toMatchObject({ code: 'not_found' });
  });

  it('is what a port beyond loopback is closed without', async () => {
    const rig = await EdgeRig.start({ ADMIN_HOST: '0.0.0.0' });
    for (const path of ['/', ...HIDDEN]) {
      expect(await ask(rig, path)).toMatchObject({ status: 403, code: 'operators_closed' });
    }
    expect((await ask(rig, '/metrics')).status).toBe(200);
    expect(rig.lines.filter((line) => line.includes('ADMIN_TOKEN')).length).toBe(1);
  });

  it('opens a port beyond loopback', async () => {
    const rig = await EdgeRig.start({ ADMIN_HOST: '0.0.0.0', ADMIN_TOKEN: TOKEN });
    expect((await ask(rig, '/status')).status).toBe(401);
    expect((await ask(rig, '/status', AUTHORIZATION)).status).toBe(200);
  });
});
