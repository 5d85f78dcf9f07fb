import { describe, expect, it } from 'vitest';
import { REFUSALS } from '../shared/errors.ts';
import { SESSION_BURST } from '../shared/limits.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { Feed } from './testing/feed.ts';
import type { ScriptedUser } from './testing/scripted-user.ts';

const TOO_MANY = `ERR too_many_connections ${REFUSALS.too_many_connections}\n`;
const TALK_BYTES = 64 * 1024;

/** A newcomer is refused, or watches: packets are sent until it has either its line or some of them. */
async function hearsSomething(rig: EdgeRig, user: ScriptedUser, feed: Feed, other: ScriptedUser) {
  const hears = async () => {
    await rig.deliver(feed.make(1), other);
    return user.receivedBytes > 0;
  };
  await rig.eventually(hears).toBe(true);
}

describe('limits on users', () => {
  it('MAX_USERS: one more is refused, and taken once somebody has left', async () => {
    const rig = await EdgeRig.start({ MAX_USERS: '3' });
    const feed = new Feed('zato01');
    const users = await rig.watchAll(['user-1', 'user-2', 'user-3'], 'zato01');
    rig.store.registered.add('user-4');
    const refused = rig.connect('user-4 zato01');
    await rig.eventually(() => refused.isEnded).toBe(true);
    expect([refused.text, refused.errorCode]).toEqual([TOO_MANY, undefined]);
    expect(await rig.metric('refusal_causes_total', 'max_users')).toBe(1);
    users[0]!.socket.resetAndDestroy();
    await rig.eventually(() => rig.metric('users')).toBe(2);
    const taken = await rig.watch('user-4', 'zato01');
    await rig.deliver(feed.make(50), users[1]!, users[2]!, taken);
    expect(taken.bytes.equals(feed.bytes)).toBe(true);
  });

  it('MAX_USERS: silence takes no place of a viewer, however many are silent', async () => {
    const rig = await EdgeRig.start({ MAX_USERS: '3' });
    const silent = Array.from({ length: 20 }, () => rig.connect());
    await rig.eventually(() => rig.metric('connections_arriving')).toBe(20);
    const users = await rig.watchAll(['user-1', 'user-2', 'user-3'], 'zato01');
    const feed = new Feed('zato01');
    await rig.deliver(feed.make(20), ...users);
    expect(silent.every((user) => user.isWatching)).toBe(true);
  });

  it('MAX_USERS: who waits for a channel that is not there makes room for a viewer, the first of them first', async () => {
    const rig = await EdgeRig.start({ MAX_USERS: '3' });
    const feed = new Feed('zato01');
    const viewer = await rig.watch('viewer-1', 'zato01');
    await rig.deliver(feed.make(20), viewer);
    const first = await rig.watch('waiting-1', 'never1');
    const second = await rig.watch('waiting-2', 'never2');
    rig.store.registered.add('waiting-3').add('viewer-2');
    const third = rig.connect('waiting-3 never1');
    await rig.eventually(() => third.text).toBe(TOO_MANY);
    const newcomer = rig.connect('viewer-2 zato01');
    await rig.eventually(() => first.isClosed).toBe(true);
    await rig.eventually(() => rig.metric('channel_watchers', 'zato01')).toBe(2);
    const rest = feed.make(20);
    await rig.deliver(rest, viewer, newcomer);
    expect(viewer.bytes.equals(feed.bytes)).toBe(true);
    expect(second.isWatching).toBe(true);
    expect(await rig.metric('closes_total', 'replaced')).toBe(1);
    expect(await rig.metric('users')).toBe(3);
  });

  it('MAX_USERS: players of a silent channel, who come again and again, lock nobody out', async () => {
    const rig = await EdgeRig.start({ MAX_USERS: '4' });
    const [silent, well] = [new Feed('silent'), new Feed('well')];
    const staying = await rig.watch('user-1', 'well');
    const gone = await rig.watchAll(['user-2', 'user-3', 'user-4'], 'silent');
    await rig.deliver(silent.make(20), ...gone);
    await rig.deliver(well.make(20), staying);
    for (const user of gone) user.socket.end();
    rig.store.registered.add('user-5');
    // Refused for as long as those who left may only be reconnecting: 2 s.
    const connect = async () => {
      const user = rig.connect('user-5 well');
      await hearsSomething(rig, user, well, staying);
      return user.text.startsWith('ERR') ? 'refused' : 'let in';
    };
    await rig.eventually(connect).toBe('let in');
    expect(await rig.metric('closes_total', 'replaced')).toBe(1);
    expect(staying.bytes.equals(well.bytes)).toBe(true);
  });

  it('MAX_USERS_PER_ADDRESS: one more of an address is refused; 0 is no limit', async () => {
    const rig = await EdgeRig.start({ MAX_USERS_PER_ADDRESS: '2' });
    const feed = new Feed('zato01');
    const users = await rig.watchAll(['user-1', 'user-2'], 'zato01');
    await rig.deliver(feed.make(20), ...users);
    rig.store.registered.add('user-3');
    const refused = rig.connect('user-3 zato01');
    await rig.eventually(() => refused.text).toBe(TOO_MANY);
    expect(await rig.metric('refusal_causes_total', 'per_address')).toBe(1);
    users[0]!.socket.resetAndDestroy();
    await rig.eventually(() => rig.metric('users')).toBe(1);
    await rig.watch('user-3', 'zato01');
  });

  it('MAX_SESSIONS_PER_USER: the newest wins once, the oldest goes; the next within a minute is refused', async () => {
    const rig = await EdgeRig.start({ MAX_SESSIONS_PER_USER: '2' });
    const feed = new Feed('zato01');
    const other = await rig.watch('user-2', 'zato01');
    const mine = await rig.watchAll(['user-1', 'user-1'], 'zato01');
    const newest = rig.connect('user-1 zato01');
    await rig.eventually(() => mine.filter((user) => user.isClosed).length).toBe(1);
    await rig.eventually(() => rig.metric('users')).toBe(3);
    const refused = rig.connect('user-1 zato01');
    await rig.eventually(() => refused.isEnded).toBe(true);
    expect([refused.text, refused.errorCode]).toEqual([TOO_MANY, undefined]);
    expect(await rig.metric('refusal_causes_total', 'per_user')).toBe(1);
    expect(rig.lines.join('')).toContain('"cause":"per_user"');
    const staying = mine.find((user) => user.isWatching)!;
    await rig.deliver(feed.make(50), staying, newest, other);
    for (const user of [staying, newest, other]) expect(user.bytes.equals(feed.bytes)).toBe(true);
    expect(await rig.metric('closes_total', 'replaced')).toBe(1);
    expect(await rig.metric('refusals_total', 'too_many_connections')).toBe(1);
  });

  it('MAX_SESSIONS_PER_USER: ghosts that take nothing make room one after the other', async () => {
    const rig = await EdgeRig.start({ MAX_SESSIONS_PER_USER: '2', MAX_PAYLOAD_BYTES: '65536' });
    const feed = new Feed('zato01', { payloadBytes: 60_000 });
    const other = await rig.watch('user-2', 'zato01');
    const ghosts = await rig.watchAll(['user-1', 'user-1'], 'zato01');
    for (const { socket } of ghosts) socket.pause();
    // More than the kernel keeps for both ends of a connection: their writes wait.
    for (let i = 0; i < 15; i += 1) await rig.deliver(feed.make(20), other);
    for (let replaced = 0; replaced < 2; ) {
      const user = rig.connect('user-1 zato01');
      await hearsSomething(rig, user, feed, other);
      if (!user.text.startsWith('ERR')) replaced += 1;
    }
    expect(await rig.metric('closes_total', 'replaced')).toBeGreaterThanOrEqual(2);
    expect(await rig.metric('users')).toBe(3);
    expect(other.bytes.equals(feed.bytes)).toBe(true);
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
      await rig.eventually(() => rig.metric('closes_total', 'replaced')).toBe(times - 1);
      await rig.eventually(() => rig.metric('users')).toBe(2);
      user.socket.end();
    }
    expect(await rig.metric('refusals_total', 'too_many_connections')).toBe(0);
    expect(await rig.metric('closes_total', 'replaced')).toBe(3);
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
    await rig.eventually(() => rig.metric('closes_total', 'replaced')).toBe(1);
    expect(await rig.metric('refusals_total', 'too_many_connections')).toBe(0);
    expect(await rig.metric('users')).toBe(1);
  });

  it('MAX_SESSIONS_PER_USER holds for lines that come at the same moment', async () => {
    const rig = await EdgeRig.start({ MAX_SESSIONS_PER_USER: '2' });
    rig.store.registered.add('user-1');
    const users = Array.from({ length: 10 }, () => rig.connect('user-1 zato01'));
    // The third replaces the first; the others come within the minute.
    await rig.eventually(() => users.filter((user) => user.isEnded).length).toBe(7);
    await rig.eventually(() => users.filter((user) => user.isWatching).length).toBe(2);
    expect(await rig.metric('users')).toBe(2);
    expect(await rig.metric('closes_total', 'replaced')).toBe(1);
  });

  it('a user who zaps without end is refused past a burst; another one is not', async () => {
    const rig = await EdgeRig.start({ MAX_SESSIONS_PER_USER: '1000' });
    rig.store.registered.add('zapper').add('user-2');
    for (let times = 0; times < SESSION_BURST; times += 1) {
      const user = rig.connect(`zapper zato${times}`);
      await rig.eventually(() => rig.metric('users')).toBe(1);
      user.socket.resetAndDestroy();
      await rig.eventually(() => rig.metric('users')).toBe(0);
    }
    // One a second is given back meanwhile: these are more than that, however slow the machine.
    const more = Array.from({ length: 200 }, () => rig.connect('zapper zato01'));
    const settled = () => more.filter(({ isEnded, isClosed }) => isEnded || isClosed).length;
    await rig.eventually(async () => settled() + (await rig.metric('users'))).toBe(more.length);
    expect(await rig.metric('refusal_causes_total', 'too_often')).toBeGreaterThan(0);
    await rig.watch('user-2', 'zato01');
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

  it('users who wait to be accepted when the port closes are told the same', async () => {
    const rig = await EdgeRig.start();
    // The kernel has taken their connections by then, and the node has not.
    const users = Array.from({ length: 50 }, (_, i) => rig.connect(`user-${i} zato01`));
    await rig.stop();
    await rig.eventually(() => users.every((user) => user.isEnded || user.isClosed)).toBe(true);
    const line = `ERR shutting_down ${REFUSALS.shutting_down}\n`;
    expect(users.map(({ text, errorCode }) => [text, errorCode])).toEqual(
      users.map(() => [line, undefined]),
    );
  });
});
