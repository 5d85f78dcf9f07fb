import { describe, expect, it } from 'vitest';
import {
  OVERLOAD_LAG_MS,
  OVERLOAD_SHARE,
  OVERLOAD_WINDOW_MS,
  SLICE_MS,
} from '../../shared/limits.ts';
import { Overload } from './overload.ts';

const PERIOD_MS = 40;

/** Slices of SLICE_MS, so many of them in each period that delivery takes the share; ends at the time returned. */
function load(overload: Overload, fromMs: number, durationMs: number, share: number): number {
  const slices = Math.round((share * PERIOD_MS) / SLICE_MS);
  for (let atMs = fromMs; atMs < fromMs + durationMs; atMs += PERIOD_MS) {
    for (let i = 0; i < slices; i += 1) {
      overload.sliceEnded(atMs + i * SLICE_MS, atMs + (i + 1) * SLICE_MS);
    }
  }
  return fromMs + durationMs;
}

describe('overload by share', () => {
  it('begins within two windows of too much work, and ends as soon after it', () => {
    const overload = new Overload();
    let nowMs = load(overload, 0, 5000, OVERLOAD_SHARE - 0.1);
    expect(overload.isOverloaded(nowMs)).toBe(false);
    nowMs = load(overload, nowMs, 2 * OVERLOAD_WINDOW_MS + PERIOD_MS, 1);
    expect(overload.isOverloaded(nowMs)).toBe(true);
    nowMs = load(overload, nowMs, 2 * OVERLOAD_WINDOW_MS + PERIOD_MS, 0.2);
    expect(overload.isOverloaded(nowMs)).toBe(false);
  });

  it('on a busy node is foreseen, by what those cost who came since', () => {
    const overload = new Overload();
    overload.users = 1000;
    const nowMs = load(overload, 0, 5000, 0.6);
    overload.users = 1200;
    expect(overload.isOverloaded(nowMs)).toBe(false);
    overload.users = 1400;
    expect(overload.isOverloaded(nowMs)).toBe(true);
    expect(overload.shareAt(nowMs)).toBeLessThan(OVERLOAD_SHARE);
    overload.users = 900;
    expect(overload.isOverloaded(nowMs)).toBe(false);
  });

  it('is not foreseen while batches still grow: a crowd that comes back is let in', () => {
    const overload = new Overload();
    overload.users = 1000;
    const nowMs = load(overload, 0, 5000, 0.2);
    overload.users = 6000;
    expect(overload.isOverloaded(nowMs)).toBe(false);
  });

  it('ends when there is nothing to deliver any more', () => {
    const overload = new Overload();
    const nowMs = load(overload, 0, 2 * OVERLOAD_WINDOW_MS, 1);
    expect(overload.isOverloaded(nowMs)).toBe(true);
    expect(overload.isOverloaded(nowMs + 2 * OVERLOAD_WINDOW_MS + 1)).toBe(false);
  });

  it('is none where the machine held up one slice, for however long', () => {
    const overload = new Overload();
    let nowMs = load(overload, 0, 2000, 0.2);
    overload.sliceEnded(nowMs, nowMs + 3000);
    nowMs = load(overload, nowMs + 3000, OVERLOAD_WINDOW_MS, 0.2);
    expect(overload.isOverloaded(nowMs)).toBe(false);
  });
});

describe('overload by lag', () => {
  it('is a queue that stands: all rounds of a window were late', () => {
    const overload = new Overload();
    overload.roundEnded(1000, OVERLOAD_LAG_MS + 1);
    expect(overload.isOverloaded(1000)).toBe(false);
    overload.roundEnded(1000 + OVERLOAD_WINDOW_MS - 1, OVERLOAD_LAG_MS + 1);
    expect(overload.isOverloaded(1000 + OVERLOAD_WINDOW_MS - 1)).toBe(false);
    overload.roundEnded(1000 + OVERLOAD_WINDOW_MS, OVERLOAD_LAG_MS + 1);
    expect(overload.isOverloaded(1000 + OVERLOAD_WINDOW_MS)).toBe(true);
  });

  it('is over with the first round that is in time', () => {
    const overload = new Overload();
    for (let nowMs = 0; nowMs <= 2000; nowMs += 400)
      overload.roundEnded(nowMs, OVERLOAD_LAG_MS + 1);
    expect(overload.isOverloaded(2000)).toBe(true);
    overload.roundEnded(2001, OVERLOAD_LAG_MS);
    expect(overload.isOverloaded(2001)).toBe(false);
  });

  it('is forgotten where no round follows: a source that falls silent locks nobody out', () => {
    const overload = new Overload();
    for (let nowMs = 0; nowMs <= 2000; nowMs += 400)
      overload.roundEnded(nowMs, OVERLOAD_LAG_MS + 1);
    expect(overload.isOverloaded(2000 + 2 * OVERLOAD_WINDOW_MS)).toBe(true);
    expect(overload.isOverloaded(2001 + 2 * OVERLOAD_WINDOW_MS)).toBe(false);
  });
});
