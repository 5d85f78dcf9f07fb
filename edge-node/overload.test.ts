import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../shared/clock.ts';
import { REFUSALS } from '../shared/errors.ts';
import { EdgeRig } from './testing/edge-rig.ts';
import { Feed } from './testing/feed.ts';

const USERS = 300;
/** By this each look at the clock costs so much that no round over all users is done in OVERLOAD_LAG_MS. */
const BUSY_LOOK_MS = 1;
const PACKET_MS = 20;
const TOO_MANY = `ERR too_many_connections ${REFUSALS.too_many_connections}\n`;

/** A clock by which whatever looks at it has taken a while: an edge node under it is as busy as a test wants it. */
function costlyClock() {
  const clock = systemClock();
  let paidMs = 0;
  const costly = {
    lookMs: 0,
    monotonicMs: () => {
      paidMs += costly.lookMs;
      return clock.monotonicMs() + paidMs;
    },
    epochMs: () => clock.epochMs(),
  };
  return costly;
}

it('a node that cannot serve more refuses newcomers by line, serves those who are in whole, and recovers', async () => {
  const clock = costlyClock();
  const rig = await EdgeRig.start({}, 'there', clock);
  const feed = new Feed('zato01');
  const ids = Array.from({ length: USERS }, (_, i) => `user-${i}`);
  const users = await rig.watchAll(ids, 'zato01');
  const feeding = setInterval(() => rig.source.send(feed.make(1)), PACKET_MS);
  onTestFinished(() => clearInterval(feeding));
  let tries = 0;
  /** What a newcomer is sent first: a line, or packets. Who is let in stays, since another could take the place of who leaves. */
  const newcomerReads = async () => {
    tries += 1;
    const id = `newcomer-${tries}`;
    rig.store.registered.add(id);
    const user = rig.connect(`${id} zato01`);
    await rig.eventually(() => user.receivedBytes).toBeGreaterThan(0);
    return user.text.startsWith('ERR') ? user.text : 'packets';
  };
  expect(await newcomerReads()).toBe('packets');
  clock.lookMs = BUSY_LOOK_MS;
  await rig.eventually(newcomerReads).toBe(TOO_MANY);
  expect(await rig.metric('delivery_lag_seconds')).toBeGreaterThan(0);
  expect(await rig.metric('refusal_causes_total', 'overload')).toBeGreaterThan(0);
  clock.lookMs = 0;
  await rig.eventually(newcomerReads).toBe('packets');
  clearInterval(feeding);
  await rig
    .eventually(() => users.filter((user) => user.receivedBytes !== feed.bytes.length).length)
    .toBe(0);
  for (const user of users) expect(user.bytes.equals(feed.bytes)).toBe(true);
  expect(await rig.metric('closes_total', 'stalled')).toBe(0);
});
