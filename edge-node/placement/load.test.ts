import { expect, test } from 'vitest';
import { loadOf, loadOfNode } from './load.ts';

function load(users: number, share: number, refusalOfAll?: object): number {
  return loadOf({
    sessions: { refusalOfAll },
    admission: { users, maxUsers: 1_000 },
    overload: { shareAt: () => share },
    clock: { monotonicMs: () => 0 },
  });
}

test('the load is that of what runs out first', () => {
  expect(load(0, 0)).toBe(0);
  expect(load(250, 0.1)).toBe(0.25);
  expect(load(250, 0.4)).toBe(0.5);
});

test('1 is a node that takes nobody more, and no other', () => {
  expect(load(999, 0)).toBe(0.99);
  expect(load(1_000, 0)).toBe(1);
  expect(load(1_200, 0)).toBe(1);
  expect(load(10, 0.95)).toBe(0.99);
  expect(load(10, 0.1, { code: 'shutting_down' })).toBe(1);
});

test('the load of several workers is that of the one with the most room, and of places that of the node', () => {
  const of = (users: number, ...loads: number[]) => loadOfNode({ users, maxUsers: 1_000 }, loads);
  expect(of(250, 0.7, 0.5)).toBe(0.5);
  // One has just started and knows of no users yet.
  expect(of(600, 0.6, 0)).toBe(0.6);
  expect(of(999, 0, 0)).toBe(0.99);
  expect(of(1_200, 0, 0)).toBe(1);
  expect(of(0)).toBe(1);
});
