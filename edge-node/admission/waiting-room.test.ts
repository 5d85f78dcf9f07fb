import { setImmediate as polled } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ADMISSION_WAIT_MS } from '../../shared/limits.ts';
import { WaitingRoom } from './waiting-room.ts';

/** A waiting room before a node with so many places that are known to be there, and newcomers who take them. */
function rig() {
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs, epochMs: () => clock.nowMs };
  const node = { places: 0, isFull: false, supervisor: Promise.resolve() };
  const room = new WaitingRoom({ isFull: () => node.isFull, room: () => node.places }, clock);
  const answers = new Map<number, boolean>();
  const come = (name: number) =>
    void (async () => {
      const isLetIn = await room.pass();
      if (isLetIn) {
        await node.supervisor;
        node.places -= 1;
        room.hasEntered();
      }
      answers.set(name, isLetIn);
    })();
  return { clock, node, room, answers, come };
}

it('lets in at once while there is room, and keeps nobody', async () => {
  const { node, room, answers, come } = rig();
  node.places = 2;
  come(1);
  await polled();
  come(2);
  await polled();
  expect([...answers]).toEqual([
    [1, true],
    [2, true],
  ]);
  expect(room.size).toBe(0);
});

it('lets in those who wait once there is room, in their order, and later ones behind them', async () => {
  const { node, room, answers, come } = rig();
  for (let name = 0; name < 100; name += 1) come(name);
  await polled();
  expect(answers.size).toBe(0);
  node.places = 30;
  come(100);
  await expect.poll(() => node.places).toBe(0);
  expect([...answers.keys()]).toEqual(Array.from({ length: 30 }, (_, name) => name));
  node.places = 1000;
  await expect.poll(() => room.size).toBe(0);
  expect([...answers.keys()]).toEqual(Array.from({ length: 101 }, (_, name) => name));
  expect([...answers.values()].every((isLetIn) => isLetIn)).toBe(true);
});

it('keeps the room of those who are still asked a place for', async () => {
  const { node, room, answers, come } = rig();
  const answer = Promise.withResolvers<void>();
  node.supervisor = answer.promise;
  node.places = 2;
  for (let name = 0; name < 5; name += 1) come(name);
  await polled();
  expect(room.size).toBe(3);
  answer.resolve();
  await polled();
  expect([...answers.keys()]).toEqual([0, 1]);
  node.places = 3;
  await expect.poll(() => room.size).toBe(0);
  await polled();
  expect([node.places, answers.size]).toEqual([0, 5]);
});

it('never lets in more in a turn of the loop than a few', async () => {
  const { node, answers, come } = rig();
  for (let name = 0; name < 1000; name += 1) come(name);
  node.places = 1000;
  let most = 0;
  for (let before = 0; before < 1000; before = answers.size) {
    await polled();
    most = Math.max(most, answers.size - before);
  }
  expect(most).toBeLessThan(20);
});

it('refuses all who wait once the node is full, and whoever comes then at once', async () => {
  const { node, room, answers, come } = rig();
  come(1);
  come(2);
  await polled();
  // A node that drains may have room.
  node.places = 10;
  node.isFull = true;
  await expect.poll(() => room.size).toBe(0);
  come(3);
  await polled();
  expect([...answers.values()]).toEqual([false, false, false]);
});

it('refuses whoever has waited too long, and nobody else', async () => {
  const { clock, answers, come } = rig();
  come(1);
  clock.nowMs = ADMISSION_WAIT_MS - 1;
  come(2);
  clock.nowMs = ADMISSION_WAIT_MS;
  await expect.poll(() => answers.get(1)).toBe(false);
  expect(answers.has(2)).toBe(false);
  clock.nowMs *= 2;
  await expect.poll(() => answers.get(2)).toBe(false);
});
