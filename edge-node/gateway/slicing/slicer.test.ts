import { describe, expect, it } from 'vitest';
import { CLOCK, SLOT_TICKS, type StreamPacket, slice, streamOf } from '../testing/slicing-rig.ts';

const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => from + index);
/** Slots from 100 on, so many that a slicer in a pair is certain of those that follow. */
const KNOWN = range(100, 10);

describe('slots of a stream', () => {
  it('hold the bytes from one PCR to the next, and none is left out where PCRs are far apart', () => {
    const { slots } = slice(streamOf([100, 104, 105, 109]), { isEnded: true });
    expect(slots.map(({ slot, packets }) => [slot, packets.length])).toEqual([
      [100, 3],
      ...[101, 102, 103].map((slot) => [slot, 0]),
      [104, 3],
      [105, 3],
      ...[106, 107, 108].map((slot) => [slot, 0]),
      [109, 3],
    ]);
    expect(slots.flatMap(({ packets }) => packets)).toEqual(range(0, 12));
  });

  it('begin with what came before the first PCR where nobody else makes them', () => {
    const stream: StreamPacket[] = [{ atMs: 0 }, { atMs: 0 }, ...streamOf([7, 8])];
    expect(slice(stream).slots).toEqual([{ slot: 7, packets: [0, 1, 2, 3, 4], isSuspect: true }]);
  });

  it('stay where PCRs jitter back by up to five slots, and jump where they go back further', () => {
    expect(slice(streamOf([100, 95, 101, 96, 102])).numbers).toEqual([100, 101]);
    const { numbers, slicer } = slice(streamOf([100, 94, 95]));
    expect([numbers, slicer.jumps]).toEqual([[100, 94], 1]);
  });

  it('are filled up to 250 ahead, and not past a jump further on', () => {
    expect(slice(streamOf([100, 350])).numbers).toEqual(range(100, 250));
    const { numbers, slicer } = slice(streamOf([100, 351, 352]));
    expect([numbers, slicer.jumps]).toEqual([[100, 351], 1]);
  });

  it('are filled up to 50 ahead after a loss: nobody is billed for what never came', () => {
    const lossAt3 = { isLost: (place: number) => place === 2 };
    expect(slice(streamOf([100, 150]), lossAt3).numbers).toEqual(range(100, 50));
    const { numbers, slicer } = slice(streamOf([100, 151, 152]), lossAt3);
    expect([numbers, slicer.jumps]).toEqual([[100, 151], 1]);
  });

  it('go on from the last to 0 when the clock wraps', () => {
    const last = CLOCK.slots - 1;
    expect(CLOCK.slots).toBe(4_772_186);
    const wrapping = [last - 2, last - 1, last, 0, 1, 4, 5];
    expect(slice(streamOf(wrapping)).numbers).toEqual([last - 2, last - 1, last, 0, 1, 2, 3, 4]);
    expect(slice(streamOf([last - 1, 2, 3])).numbers).toEqual([last - 1, last, 0, 1, 2]);
    expect(slice(streamOf([1, last - 1, 2, 3])).numbers).toEqual([1, 2]);
  });

  it('are closed when they are full, and suspect from there until the clock passes them', () => {
    const full = { pcr: 110 * SLOT_TICKS, atMs: 200 };
    const rest = range(0, 11).map(() => ({ atMs: 200 }));
    const stream = [...streamOf(KNOWN), full, ...rest, ...streamOf(range(112, 12))];
    const { slots } = slice(stream, {}, { maxSlotBytes: 5 * 188 + 100 });
    const shape = slots.map(({ slot, packets, isSuspect }) => [slot, packets.length, isSuspect]);
    expect(shape.slice(10)).toEqual([
      [110, 5, false],
      [111, 5, true],
      [112, 5, true],
      ...range(113, 5).map((slot) => [slot, 3, true]),
      ...range(118, 5).map((slot) => [slot, 3, false]),
    ]);
  });

  it('follow the time of arrival where bytes come and no PCR, and the clock again once it comes', () => {
    const silent = range(1, 150).map((step) => ({ atMs: 180 + step * 20 }));
    const stream = [...streamOf(KNOWN), ...silent, { pcr: 260 * SLOT_TICKS, atMs: 3200 }];
    const { slots, numbers, slicer } = slice(stream);
    expect(numbers).toEqual(range(100, 160));
    expect(slots.filter(({ slot }) => slot > 109).every(({ isSuspect }) => isSuspect)).toBe(true);
    expect([slicer.clockLosses, slicer.isWithoutClock]).toEqual([1, false]);
  });

  it('follow the time of arrival where there is no clock at all, from where they are told to', () => {
    const stream = range(0, 101).map((step) => ({ atMs: step * 20 }));
    const { numbers, slicer } = slice(stream, {}, { firstSlotWithoutClock: 500 });
    expect(numbers).toEqual(range(500, 100));
    expect(slicer.isWithoutClock).toBe(true);
  });

  it('count no time in which nothing came', () => {
    const stream = [...streamOf([100]), { atMs: 1900 }, { atMs: 1920 }];
    expect(slice(stream).numbers).toEqual([]);
  });
});

describe('slots of a pair', () => {
  it('are handed on once a PCR has moved on past what the other may have stayed at', () => {
    const { slots } = slice(streamOf(range(100, 10)), {}, { isPaired: true });
    expect(slots).toEqual(
      [106, 107, 108].map((slot, index) => ({
        slot,
        packets: range((6 + index) * 3, 3),
        isSuspect: false,
      })),
    );
  });

  it('are suspect after a loss until then again', () => {
    const heard = { isLost: (place: number) => place === 32 };
    const { slots, slicer } = slice(streamOf(range(100, 25)), heard, { isPaired: true });
    const suspect = slots.filter(({ isSuspect }) => isSuspect).map(({ slot }) => slot);
    expect(suspect).toEqual(range(110, 7));
    expect(slicer.suspectSlots).toBe(7);
  });

  it('are certain six slots after a jump, too', () => {
    const stream = streamOf([...range(100, 4), ...range(5000, 12)]);
    const { numbers } = slice(stream, {}, { isPaired: true });
    expect(numbers).toEqual(range(5006, 5));
  });

  it('end with the last that was closed: the open one is for whoever has it whole', () => {
    const stream = streamOf(range(100, 10));
    const paired = slice(stream, { isEnded: true }, { isPaired: true });
    expect(paired.numbers.at(-1)).toBe(108);
    expect(slice(stream, { isEnded: true }).numbers.at(-1)).toBe(109);
  });
});
