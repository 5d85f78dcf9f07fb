import { expect, it } from 'vitest';
import { SOURCES_MAX } from '../../shared/limits.ts';
import { RelaySlots } from './relay-slots.ts';

function slotsWith() {
  const told: string[] = [];
  const sink = {
    sourceConnected: (slot: number) => void told.push(`connected ${slot}`),
    sourceLost: (slot: number) => void told.push(`lost ${slot}`),
  };
  return { slots: new RelaySlots(), told, sink };
}

it('gives each relay a slot of its own while it is heard, and the slot to another afterwards', () => {
  const { slots, told, sink } = slotsWith();
  expect([slots.of('a', 0, sink), slots.of('b', 1, sink), slots.of('a', 2, sink)]).toEqual([
    0, 1, 0,
  ]);
  slots.free(2, sink);
  expect(slots.heard).toBe(1);
  expect(slots.of('c', 3, sink)).toBe(1);
  slots.free(Number.POSITIVE_INFINITY, sink);
  expect(slots.of('a', 4, sink)).toBe(0);
  expect(told).toEqual([
    'connected 0',
    'connected 1',
    'lost 1',
    'connected 1',
    'lost 0',
    'lost 1',
    'connected 0',
  ]);
});

it('lets relays beyond the last slot share it', () => {
  const { slots, told, sink } = slotsWith();
  const given = Array.from({ length: SOURCES_MAX + 3 }, (_, i) => slots.of(`r${i}`, i, sink));
  expect(given.slice(-4)).toEqual(Array(4).fill(SOURCES_MAX - 1));
  expect(told).toHaveLength(SOURCES_MAX);
  // Whoever publishes under ever new names takes no memory by it.
  expect(slots.heard).toBe(SOURCES_MAX);
  slots.free(Number.POSITIVE_INFINITY, sink);
  expect(slots.heard).toBe(0);
});
