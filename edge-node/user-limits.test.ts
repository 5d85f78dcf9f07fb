import { describe, expect, it } from 'vitest';
import { REFUSALS } from '../shared/errors.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { Feed } from './testing/feed.ts';

const TOO_MANY = `ERR too_many_connections ${REFUSALS.too_many_connections}\n`;
const TALK_BYTES = 64 * 1024;

describe('limits on users', () => {
  it('MAX_USERS: one more is refused, and taken once somebody has left', async () => {
    const rig = await EdgeRig.start({ MAX_USERS: '3' });
    const feed = new Feed('zato01');
    const users = await rig.watchAll(['user-1', 'user-2', 'user-3'], 'zato01');
    rig.store.registered.add('user-4');
    const refused = rig.connect('user-4 zato01');
    await rig.eventually(() => refused.isEnded).toBe(true);
    expect([refused.text, refused.errorCode]).toEqual([TOO_MANY, undefined]);
    users[0]!.socket.resetAndDestroy();
    await rig.eventually(() => rig.metric('users')).toBe(2);
    const taken = await rig.watch('user-4', 'zato01');
    await rig.deliver(feed.make(50), users[1]!, users[2]!, taken);
    expect(taken.bytes.equals(feed.bytes)).toBe(true);
  });

  it('MAX_USERS counts those who have not sent their line yet: nobody gets past it by silence', async () => {
    const rig = await EdgeRig.start({ MAX_USERS: '3' });
    const silent = [rig.connect(), rig.connect(), rig.connect()];
    await rig.eventually(() => rig.metric('connections_total')).toBe(3);
    const refused = rig.connect();
    await rig.eventually(() => refused.isEnded).toBe(true);
    expect(refused.text).toBe(TOO_MANY);
    expect(silent.every((user) => user.isWatching)).toBe(true);
    silent[0]!.socket.end();
    rig.store.registered.add('user-1');
    await rig.eventually(() => silent[0]!.isClosed).toBe(true);
    await rig.watch('user-1', 'zato01');
  });

  it('MAX_SESSIONS_PER_USER: one more of the same user is refused, of another one taken', async () => {
    const rig = await EdgeRig.start({ MAX_SESSIONS_PER_USER: '2' });
    const feed = new Feed('zato01');
    const mine = await rig.watchAll(['user-1', 'user-1'], 'zato01');
    const refused = rig.connect('user-1 zato02');
    await rig.eventually(() => refused.isEnded).toBe(true);
    expect([refused.text, refused.errorCode]).toEqual([TOO_MANY, undefined]);
    const other = await rig.watch('user-2', 'zato01');
    await rig.deliver(feed.make(50), ...mine, other);
    mine[0]!.socket.resetAndDestroy();
    await rig.eventually(() => rig.metric('users')).toBe(2);
    const again = await rig.watch('user-1', 'zato01');
    const rest = feed.make(50);
    await rig.deliver(rest, mine[1]!, other, again);
    expect(other.bytes.equals(feed.bytes)).toBe(true);
    expect(await rig.metric('refusals_total', 'too_many_connections')).toBe(1);
  });

  it('MAX_SESSIONS_PER_USER is of sessions at once: whoever has left may come again and again', async () => {
    const rig = await EdgeRig.start({ MAX_SESSIONS_PER_USER: '1' });
    for (let times = 0; times < 5; times += 1) {
      const user = await rig.watch('user-1', 'zato01');
      user.socket.resetAndDestroy();
      await rig.eventually(() => rig.metric('users')).toBe(0);
    }
    expect(await rig.metric('closes_total', 'refused')).toBe(0);
  });

  it('MAX_SESSIONS_PER_USER locks nobody out who closes and comes again while a channel is silent', async () => {
    const rig = await EdgeRig.start({ MAX_SESSIONS_PER_USER: '2' });
    const watching = await rig.watch('user-1', 'silent');
    for (let times = 1; times <= 4; times += 1) {
      const user = rig.connect('user-1 silent');
      await rig.eventually(() => rig.metric('connections_total')).toBe(1 + times);
      await rig.eventually(() => rig.metric('closes_total', 'client_closed')).toBe(times - 1);
      await rig.eventually(() => rig.metric('users')).toBe(2);
      user.socket.end();
    }
    expect(await rig.metric('refusals_total', 'too_many_connections')).toBe(0);
    expect(await rig.metric('closes_total', 'client_closed')).toBe(3);
    expect(watching.isWatching).toBe(true);
  });

  it('MAX_SESSIONS_PER_USER locks nobody out whose FIN comes with the line, before the look-up is answered', async () => {
    const rig = await EdgeRig.start({ MAX_SESSIONS_PER_USER: '1' });
    const gate = Promise.withResolvers<boolean>();
    rig.store.isRegistered = () => gate.promise;
    const gone = rig.connect('user-1 silent');
    gone.socket.end();
    await rig.eventually(() => rig.metric('connections_total')).toBe(1);
    for (let turns = 0; turns < 10; turns += 1) await rig.metric('users'); // the FIN has long come
    gate.resolve(true);
    await rig.eventually(() => rig.metric('users')).toBe(1);
    rig.connect('user-1 silent');
    await rig.eventually(() => rig.metric('closes_total', 'client_closed')).toBe(1);
    expect(await rig.metric('refusals_total', 'too_many_connections')).toBe(0);
    expect(await rig.metric('users')).toBe(1);
  });

  it('MAX_SESSIONS_PER_USER holds for lines that come at the same moment', async () => {
    const rig = await EdgeRig.start({ MAX_SESSIONS_PER_USER: '2' });
    rig.store.registered.add('user-1');
    const users = Array.from({ length: 10 }, () => rig.connect('user-1 zato01'));
    await rig.eventually(() => users.filter((user) => user.isEnded).length).toBe(8);
    expect(await rig.metric('users')).toBe(2);
    expect(users.filter((user) => user.isWatching)).toHaveLength(2);
  });

  it('a user who talks is heard out up to 64 KiB, and closed past them', async () => {
    const rig = await EdgeRig.start();
    const feed = new Feed('zato01');
    const [talker, other] = await rig.watchAll(['user-1', 'user-2'], 'zato01');
    talker!.send(Buffer.alloc(TALK_BYTES, 'x'));
    for (let i = 0; i < 10; i += 1) await rig.deliver(feed.make(20), talker!, other!);
    expect(talker!.bytes.equals(feed.bytes)).toBe(true);
    expect(await rig.metric('closes_total', 'client_talks')).toBe(0);
    talker!.send('x');
    await rig.eventually(() => rig.metric('closes_total', 'client_talks')).toBe(1);
    await rig.eventually(() => talker!.isClosed).toBe(true);
    await rig.deliver(feed.make(20), other!);
    expect(other!.bytes.equals(feed.bytes)).toBe(true);
  });

  it('what comes behind the line in the same read counts as talk', async () => {
    const rig = await EdgeRig.start();
    rig.store.registered.add('user-1');
    const user = rig.connect();
    user.send(`user-1 zato01\n${'x'.repeat(TALK_BYTES + 1)}`);
    await rig.eventually(() => rig.metric('closes_total', 'client_talks')).toBe(1);
  });

  it('a user who comes while the node drains is told to connect again', async () => {
    const rig = await EdgeRig.start({ MAX_SESSIONS_PER_USER: '100', DRAIN_MS: '10000' });
    rig.store.registered.add('user-2');
    // Users who never close their side hold the drain up while the other one's line is on its way.
    const ids = Array.from({ length: 60 }, () => 'user-1');
    const [first] = await rig.watchAll(ids, 'zato01');
    const arriving = rig.connect();
    await rig.eventually(() => rig.metric('connections_total')).toBe(61);
    const stopped = rig.stop();
    await rig.eventually(() => first!.isEnded).toBe(true);
    arriving.send('user-2 zato01\n');
    await rig.eventually(() => arriving.isEnded).toBe(true);
    expect([arriving.text, arriving.errorCode]).toEqual([
      `ERR shutting_down ${REFUSALS.shutting_down}\n`,
      undefined,
    ]);
    await stopped;
  });
});
