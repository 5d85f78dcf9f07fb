import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Minute, minuteOf, type UserId } from '../../shared/ids.ts';
import { MINUTE_MS, STORE_SAVE_TIMEOUT_MS } from '../../shared/limits.ts';
import type { Edge } from './testing/edge.ts';
import { pass, Rig, watch } from './testing/rig.ts';

const ONE = 'one' as UserId;

let rig: Rig;
let edge: Edge;
beforeEach(async () => {
  rig = new Rig();
  edge = await rig.start({ USAGE_FLUSH_MS: '5000' });
});
afterEach(() => rig.end());

const now = () => minuteOf(Date.now());

async function done(call: Promise<void>): Promise<void> {
  await pass(100);
  await call;
}
const unregister = (minute: Minute) => done(rig.store.unregister(ONE, minute));

/** One watches for `ms`, and its session ends. */
async function watched(ms: number): Promise<void> {
  const tally = edge.open(ONE);
  await watch([tally], ms);
  tally.close();
}

/** The edge node finds that the registration is gone, which it last saw `agoMs` ago. */
async function isGone(agoMs: number): Promise<void> {
  const told = edge.writer.unregistered(ONE, performance.now() - agoMs);
  await pass(1_000);
  await told;
}

it('what a user watched who was unregistered is dropped, and the next session begins at nothing', async () => {
  await watched(20_000);
  await unregister(now());
  await watched(5_000);
  await isGone(10_000);
  await watched(3_000);
  await rig.stop(edge);
  expect(rig.store.totalMs(ONE)).toBe(3_000);
});

it.each([
  ['nobody has unregistered', async () => {}],
  [
    'somebody unregistered before it was registered again',
    async () => {
      await unregister((now() - 5) as Minute);
      await done(rig.store.register(ONE));
    },
  ],
])('what a user watched whom %s is stored, though the registration is gone', async (_, before) => {
  await before();
  await watched(20_000);
  await isGone(MINUTE_MS);
  await rig.stop(edge);
  expect(rig.store.totalMs(ONE)).toBe(20_000);
});

it.each(['failing', 'hanging'] as const)(
  'what a user watched is stored where the store is %s when asked for a deletion',
  async (mode) => {
    await watched(20_000);
    rig.store.mode = mode;
    const told = edge.writer.unregistered(ONE, performance.now());
    await pass(2 * STORE_SAVE_TIMEOUT_MS);
    await told;
    rig.store.mode = 'up';
    await pass(MINUTE_MS);
    expect(rig.store.totalMs(ONE)).toBe(20_000);
  },
);

it('a save that was under way at the deletion leaves nothing behind', async () => {
  await unregister(now());
  rig.store.latencyMs = 400;
  const tally = edge.open(ONE);
  await watch([tally], 20_000);
  tally.close();
  // The session's last is on its way to the store.
  await pass(200);
  rig.store.latencyMs = 1;
  const told = edge.writer.unregistered(ONE, performance.now());
  await pass(5_000);
  await told;
  expect(rig.store.totalMs(ONE)).toBe(0);
});
