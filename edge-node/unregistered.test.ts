import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { minuteOf, type UserId } from '../shared/ids.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { Feed } from './testing/feed.ts';

const ONE = 'one' as UserId;
const TTL_MS = 1_000;
const start = () => EdgeRig.start({ REGISTRATION_TTL_MS: String(TTL_MS), USAGE_FLUSH_MS: '100' });
const unregister = (rig: EdgeRig) => rig.store.unregister(ONE, minuteOf(Date.now()));

it('all sessions of an unregistered user end, whatever brought them, and no one else’s', async () => {
  const rig = await start();
  const feed = new Feed('zato01');
  const [line, waiting] = [await rig.watch('one', 'zato01'), await rig.watch('one', 'never1')];
  const other = await rig.watch('two', 'zato01');
  const player = rig.connectHttp('GET /watch/zato01?user=one HTTP/1.0\r\n\r\n');
  await rig.eventually(() => rig.metric('users')).toBe(4);
  await rig.eventually(() => player.text).toMatch(/\r\n\r\n$/);
  await rig.deliver(feed.make(50), line, other, player);
  await rig.eventually(() => rig.store.totalMs(ONE)).toBe(2_000);
  await unregister(rig);
  await rig
    .eventually(() => [line, waiting, player].map((user) => user.isEnded))
    .toEqual([true, true, true]);
  await rig.eventually(() => rig.metric('closes_total', 'unregistered')).toBe(3);
  await rig.deliver(feed.make(50), other);
  await rig.eventually(() => rig.store.totalMs('two' as UserId)).toBe(2_000);
  expect(rig.store.totalMs(ONE)).toBe(0);
});

it('what was watched until the end of the sessions is not stored, and the next registration starts from nothing', async () => {
  const rig = await start();
  const feed = new Feed('zato01');
  const user = await rig.watch('one', 'zato01');
  await rig.deliver(feed.make(10), user);
  // Nobody notices before that is delivered.
  const noticed = Promise.withResolvers<void>();
  rig.store.isRegistered = async (userId) => {
    await noticed.promise;
    return rig.store.registered.has(userId);
  };
  await unregister(rig);
  await rig.deliver(feed.make(10), user);
  noticed.resolve();
  await rig.eventually(() => user.isClosed || user.isEnded).toBe(true);
  await rig.eventually(() => rig.metric('users')).toBe(0);
  await rig.eventually(() => rig.store.totalMs(ONE)).toBe(0);
  const refused = rig.connect('one zato01');
  await rig.eventually(() => refused.text).toMatch(/^ERR not_registered /);
  const again = await rig.watch('one', 'zato01');
  await rig.deliver(feed.make(7), again);
  await rig.eventually(() => rig.store.totalMs(ONE)).toBe(140);
});

it('a registration that is missing without a deletion takes no usage with it', async () => {
  const rig = await start();
  const feed = new Feed('zato01');
  const user = await rig.watch('one', 'zato01');
  await rig.deliver(feed.make(50), user);
  await rig.eventually(() => rig.store.totalMs(ONE)).toBe(1_000);
  // What is watched from now on is not stored before the session has ended.
  rig.store.refuses = (row) => row.deliveredMs > 1_000;
  await rig.deliver(feed.make(10), user);
  // As by an old backup, or by an operator's hand.
  rig.store.registered.delete(ONE);
  await rig.eventually(() => rig.metric('closes_total', 'unregistered')).toBe(1);
  const isKept = () => rig.lines.some((line) => line.includes('nobody has unregistered it'));
  await rig.eventually(isKept).toBe(true);
  rig.store.refuses = () => false;
  await rig.stop();
  expect(rig.store.totalMs(ONE)).toBe(1_200);
});

it('a store that is away ends nobody', async () => {
  const rig = await start();
  const feed = new Feed('zato01');
  const user = await rig.watch('one', 'zato01');
  rig.store.registered.delete(ONE);
  rig.store.mode = 'failing';
  await rig.eventually(() => rig.metric('registration_failures_total')).toBeGreaterThan(2);
  await rig.deliver(feed.make(10), user);
  expect(user.isWatching).toBe(true);
  rig.store.mode = 'up';
  await rig.eventually(() => user.isEnded).toBe(true);
});

it('who is let in from memory has no more time than who was there', async () => {
  const rig = await start();
  await rig.watch('one', 'zato01');
  const deletedMs = performance.now();
  await unregister(rig);
  // Known still: the look-up of a moment ago answers for it.
  const late = rig.connect('one zato01');
  await rig.eventually(() => rig.metric('users')).toBe(2);
  await rig.eventually(() => late.isEnded).toBe(true);
  await rig.eventually(() => rig.metric('users')).toBe(0);
  await sleep(Math.max(0, deletedMs + TTL_MS - performance.now()));
  const refused = rig.connect('one zato01');
  await rig.eventually(() => refused.text).toMatch(/^ERR not_registered /);
});
