import { describe, expect, it } from 'vitest';
import { PCR_HZ, PCR_MODULO } from '../../mpeg-ts/pcr.ts';
import { Pacer } from './pacer.ts';

const PACKET = Buffer.alloc(188);
const ticks = (ms: number): number => ((ms * PCR_HZ) / 1000) % PCR_MODULO;

/** Plays what a pacer hands on, and says at which time. */
function rig(isLive = false) {
  const released: { pcr: number; atMs: number }[] = [];
  let packets = 0;
  let losses = 0;
  const pacer = new Pacer(
    {
      pcr: (pcr, atMs) => released.push({ pcr: (pcr * 1000) / PCR_HZ, atMs }),
      bytes: (_bytes, start, end) => {
        packets += (end - start) / 188;
      },
      loss: () => {
        losses += 1;
      },
    },
    isLive,
  );
  let nowMs = 1000;
  /** Time goes on, and each segment is released when it says that it is due. */
  const runTo = (untilMs: number): void => {
    for (let due = pacer.dueMs; due <= untilMs; due = pacer.dueMs) {
      nowMs = Math.max(nowMs, due);
      pacer.release(nowMs);
    }
    nowMs = untilMs;
  };
  const push = (...pcrsMs: number[]): void => {
    for (const pcrMs of pcrsMs) {
      pacer.pcr(ticks(pcrMs), nowMs);
      pacer.bytes(PACKET, 0, 188, nowMs);
    }
  };
  return { pacer, released, push, runTo, counts: () => ({ packets, losses }) };
}

describe('a paced stream', () => {
  it('that comes in one burst goes out by its clock, to the last byte, in order', () => {
    const { pacer, released, push, runTo, counts } = rig();
    pacer.bytes(PACKET, 0, 188, 1000);
    push(0, 40, 80, 120, 160);
    pacer.loss();
    pacer.end();
    runTo(2000);
    expect(released.map(({ atMs }) => atMs)).toEqual([1000, 1040, 1080, 1120, 1160]);
    expect([counts(), pacer.isDrained]).toEqual([{ packets: 6, losses: 1 }, true]);
  });

  it('goes on over the wrap of its clock, and over a clock that was set, without a pause', () => {
    const wrapMs = (PCR_MODULO * 1000) / PCR_HZ;
    const { pacer, released, push, runTo } = rig();
    push(wrapMs - 40, wrapMs, wrapMs + 40, 7_000_000, 7_000_040, 3_000_000, 3_000_040);
    pacer.end();
    runTo(5000);
    expect(released.map(({ atMs }) => Math.round(atMs))).toEqual([
      1000, 1040, 1080, 1120, 1160, 1200, 1240,
    ]);
  });

  it('does not gain time where PCRs jitter', () => {
    const { pacer, released, push, runTo } = rig();
    push(0, 40, 30, 80, 75, 120, 160);
    pacer.end();
    runTo(5000);
    expect(released.at(-1)?.atMs).toBe(1160);
  });

  it('that stood still goes on from then: nothing is hurried to catch up', () => {
    const { released, push, runTo } = rig();
    push(0, 40, 80);
    runTo(4000);
    push(120, 160, 200, 240);
    runTo(5000);
    expect(released.map(({ atMs }) => atMs)).toEqual([1000, 1040, 4000, 4040, 4080, 4120]);
  });

  it('is full past its bounds in bytes and in time, and not before', () => {
    const byTime = rig();
    byTime.push(...Array.from({ length: 1000 }, (_, index) => index * 40));
    expect(byTime.pacer.isFull).toBe(false);
    byTime.push(40_000);
    expect(byTime.pacer.isFull).toBe(true);

    const { pacer } = rig();
    const mebibyte = Buffer.alloc(1024 ** 2);
    pacer.pcr(0, 0);
    for (let index = 0; index < 16; index += 1) {
      expect(pacer.isFull).toBe(false);
      pacer.bytes(mebibyte, 0, mebibyte.length, 0);
    }
    expect(pacer.isFull).toBe(true);
  });

  it('without a clock cannot be played from a file, and goes on as it comes from a live source', () => {
    const file = rig();
    file.pacer.bytes(PACKET, 0, 188, 1000);
    expect(file.pacer.isWithoutClock).toBe(false);
    file.pacer.end();
    expect(file.pacer.isWithoutClock).toBe(true);

    const live = rig(true);
    live.push(0);
    live.runTo(1999);
    expect(live.counts().packets).toBe(0);
    live.runTo(2000);
    expect(live.counts().packets).toBe(1);
    live.pacer.bytes(PACKET, 0, 188, 2001);
    live.runTo(2001);
    expect([live.counts().packets, live.pacer.isWithoutClock]).toEqual([2, false]);
  });

  it.each([
    ['faster', 1.0005],
    ['slower', 0.9995],
  ])('from a live source whose clock is %s is followed', (_name, speed) => {
    const { pacer, push, runTo } = rig(true);
    push(...Array.from({ length: 100 }, (_, index) => index * 40));
    for (let arrivedMs = 1000; arrivedMs < 3_600_000; arrivedMs += 40) {
      push(4000 + (arrivedMs - 1000) * speed);
      runTo(arrivedMs);
    }
    // 500 ppm over an hour would be 1.8 s, either way.
    expect(pacer.aheadMs).toBeGreaterThan(3500);
    expect(pacer.aheadMs).toBeLessThan(4500);
  });
});
