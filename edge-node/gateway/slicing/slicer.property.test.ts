import fc from 'fast-check';
import { expect, it } from 'vitest';
import { randomOf } from '../../testing/random.ts';
import {
  CLOCK,
  type MadeSlot,
  SLOT_MS,
  SLOT_TICKS,
  type StreamPacket,
  slice,
} from '../testing/slicing-rig.ts';

/** `npm run test:long` tries more. */
const CASES = process.env.E2E_LONG === '1' ? 10_000 : 1_000;

/** How a stream goes on: PCRs at an interval, with jitter, or one that goes elsewhere, or none for a while. */
interface Stretch {
  readonly pcrs: number;
  readonly intervalSlots: number;
  readonly jitterSlots: number;
  readonly packetsBetween: number;
  readonly jumpSlots: number;
  readonly pauseMs: number;
}

const stretch = fc.record<Stretch>({
  pcrs: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 20, max: 200 })),
  intervalSlots: fc.oneof(
    fc.constantFrom(0.1, 0.3, 0.3, 0.5, 1, 2, 4, 5, 17, 49, 60),
    fc.double({ min: 0.1, max: 3, noNaN: true }),
  ),
  jitterSlots: fc.constantFrom(0, 0.5, 2.4, 2.7, 3, 6),
  packetsBetween: fc.constantFrom(0, 1, 2, 3, 12),
  // A new PCR PID is a clock that stands elsewhere, near or far.
  jumpSlots: fc.oneof(
    fc.constant(0),
    fc.integer({ min: -20, max: 20 }),
    fc.integer({ min: -300, max: 300 }),
    fc.integer({ min: 0, max: CLOCK.slots - 1 }),
  ),
  pauseMs: fc.constantFrom(0, 0, 0, 300, 1200, 5000),
});

/** @param noise from 0 to 1 */
function streamOf(
  stretches: readonly Stretch[],
  firstSlot: number,
  noise: () => number,
): StreamPacket[] {
  const packets: StreamPacket[] = [];
  let at = firstSlot;
  let atMs = 0;
  const ring = CLOCK.slots * SLOT_TICKS - SLOT_TICKS;
  for (const {
    pcrs,
    intervalSlots,
    jitterSlots,
    packetsBetween,
    jumpSlots,
    pauseMs,
  } of stretches) {
    at += jumpSlots;
    atMs += pauseMs;
    for (let index = 0; index < pcrs; index += 1) {
      const jitter = (noise() - 0.5) * 2 * jitterSlots;
      const ticks = Math.floor((at + jitter) * SLOT_TICKS);
      packets.push({ pcr: ((ticks % ring) + ring) % ring, atMs });
      for (let more = 0; more < packetsBetween; more += 1) packets.push({ atMs });
      at += intervalSlots;
      atMs += intervalSlots * SLOT_MS;
    }
  }
  return packets;
}

/** Losses of a share of the datagrams, seven packets each, of which a slicer is told as of those of RTP. */
function losses(share: number, seed: number): (place: number) => boolean {
  return (place) => randomOf(Math.floor(place / 7) * 65_537 + seed)() < share;
}

/** Clean slots of one that hold a packet of a clean slot of the other, but are not the same. */
function differing(some: readonly MadeSlot[], others: readonly MadeSlot[]): unknown[] {
  const isClean = ({ isSuspect }: MadeSlot) => !isSuspect;
  const byPacket = new Map<number, MadeSlot>();
  for (const slot of others.filter(isClean)) {
    for (const packet of slot.packets) byPacket.set(packet, slot);
  }
  return some.filter(isClean).flatMap((slot) => {
    const met = new Set(slot.packets.map((packet) => byPacket.get(packet)));
    met.delete(undefined);
    return [...met]
      .filter((other) => JSON.stringify(other) !== JSON.stringify(slot))
      .map((other) => ({ slot, other }));
  });
}

/** Clean empty slots by the packet that follows them. */
function cleanFills(slots: readonly MadeSlot[]): Map<number, string> {
  const fills = new Map<number, string>();
  let fill: number[] = [];
  for (const { slot, packets, isSuspect } of slots) {
    const [first] = packets;
    if (first === undefined) {
      if (!isSuspect) fill.push(slot);
    } else {
      if (fill.length > 0) fills.set(first, fill.join());
      fill = [];
    }
  }
  return fills;
}

const ear = fc.record({
  from: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 400 })),
  share: fc.constantFrom(0, 0, 0.005, 0.02, 0.05, 0.1),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
});

it(`clean slots of two slicers never differ, over ${CASES} streams`, { timeout: 120_000 }, () => {
  let compared = 0;
  const property = fc.property(
    fc.array(stretch, { minLength: 1, maxLength: 6 }),
    fc.oneof(fc.integer({ min: 0, max: CLOCK.slots - 1 }), fc.constant(CLOCK.slots - 30)),
    fc.constantFrom(512 * 1024, 12 * 188),
    fc.tuple(ear, ear),
    fc.nat(),
    (stretches, firstSlot, maxSlotBytes, ears, noiseSeed) => {
      const stream = streamOf(stretches, firstSlot, randomOf(noiseSeed));
      const options = { isPaired: true, maxSlotBytes };
      const [one, two] = ears.map(({ from, share, seed }) =>
        slice(stream, { from, isLost: losses(share, seed) }, options),
      );
      if (one === undefined || two === undefined) return;
      expect(differing(one.slots, two.slots)).toEqual([]);
      const fills = cleanFills(two.slots);
      for (const [before, fill] of cleanFills(one.slots)) {
        expect(fills.get(before) ?? fill).toBe(fill);
      }
      compared += one.slots.filter(({ isSuspect }) => !isSuspect).length;
    },
  );
  fc.assert(property, { numRuns: CASES });
  expect(compared).toBeGreaterThan(CASES);
});

it('no byte is lost or repeated, and slots only go on, whatever the clock does', {
  timeout: 120_000,
}, () => {
  const property = fc.property(
    fc.array(stretch, { minLength: 1, maxLength: 6 }),
    fc.integer({ min: 0, max: CLOCK.slots - 1 }),
    fc.constantFrom(512 * 1024, 3 * 188),
    (stretches, firstSlot, maxSlotBytes) => {
      const stream = streamOf(stretches, firstSlot, () => 0.5);
      const { slots, slicer, numbers } = slice(stream, { isEnded: true }, { maxSlotBytes });
      expect(slots.flatMap(({ packets }) => packets)).toEqual(stream.map((_, place) => place));
      const breaks = numbers.filter(
        (slot, index) => index > 0 && slot !== CLOCK.after(numbers[index - 1] ?? 0, 1),
      );
      expect(breaks.length).toBe(slicer.jumps);
    },
  );
  fc.assert(property, { numRuns: CASES });
});
