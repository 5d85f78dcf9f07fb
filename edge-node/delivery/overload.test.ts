import { describe, expect, it } from 'vitest';
import {
  ADMISSION_STEP_USERS,
  CARRIED_MS,
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
      overload.sliceEnded(atMs, atMs + i * SLICE_MS, atMs + (i + 1) * SLICE_MS);
    }
  }
  return fromMs + durationMs;
}

const TWO_WINDOWS_MS = 2 * OVERLOAD_WINDOW_MS;

describe('overload by share', () => {
  it('begins once two windows in a row show too much work, and ends with the first that does not', () => {
    const overload = new Overload();
    let nowMs = load(overload, 0, 5000, OVERLOAD_SHARE - 0.1);
    expect(overload.isOverloaded(nowMs)).toBe(false);
    nowMs = load(overload, nowMs, OVERLOAD_WINDOW_MS, 1);
    expect(overload.isOverloaded(nowMs)).toBe(false);
    nowMs = load(overload, nowMs, TWO_WINDOWS_MS, 1);
    expect(overload.isOverloaded(nowMs)).toBe(true);
    nowMs = load(overload, nowMs, TWO_WINDOWS_MS, 0.2);
    expect(overload.isOverloaded(nowMs)).toBe(false);
  });

  it('ends when there is nothing to deliver any more', () => {
    const overload = new Overload();
    const nowMs = load(overload, 0, 2 * TWO_WINDOWS_MS, 1);
    expect(overload.isOverloaded(nowMs)).toBe(true);
    expect(overload.isOverloaded(nowMs + OVERLOAD_WINDOW_MS)).toBe(false);
  });

  it('is none where the machine held up one slice, for however long', () => {
    const overload = new Overload();
    let nowMs = load(overload, 0, 2000, 0.2);
    overload.sliceEnded(nowMs, nowMs, nowMs + 3000);
    nowMs = load(overload, nowMs + 3000, TWO_WINDOWS_MS, 0.2);
    expect(overload.isOverloaded(nowMs)).toBe(false);
  });
});

describe('room for more', () => {
  it('is, on a node that has measured nothing, for one step', () => {
    const overload = new Overload();
    expect(overload.roomAt(0)).toBe(ADMISSION_STEP_USERS);
    overload.users = ADMISSION_STEP_USERS;
    expect(overload.roomAt(0)).toBe(0);
  });

  it('is for those whom the last measurements foretell, if they cost what the others do', () => {
    const overload = new Overload();
    overload.users = 1000;
    const nowMs = load(overload, 0, 5000, 0.6);
    const [least, most] = [1000 / 0.65, 1000 / 0.55].map((users) => users * OVERLOAD_SHARE - 1000);
    expect(overload.roomAt(nowMs)).toBeGreaterThan(least!);
    expect(overload.roomAt(nowMs)).toBeLessThan(most!);
    overload.users = 1500;
    expect(overload.roomAt(nowMs)).toBe(0);
    expect(overload.isOverloaded(nowMs)).toBe(false);
  });

  it('is for no more than double those who are in, however little they cost', () => {
    const overload = new Overload();
    overload.users = 3000;
    const nowMs = load(overload, 0, 5000, 0.1);
    expect(overload.roomAt(nowMs)).toBe(3000);
  });

  it('is not told while work for newcomers draws rounds out, and nobody is refused for it', () => {
    const overload = new Overload();
    overload.users = 1000;
    let nowMs = 0;
    // A millisecond of delivery, and two of other work, all the time.
    for (; nowMs < 5000; nowMs += 3) overload.sliceEnded(0, nowMs, nowMs + 1);
    expect(overload.roomAt(nowMs)).toBe(0);
    expect(overload.isOverloaded(nowMs)).toBe(false);
  });

  it('is for as many as were carried a moment ago, however busy the node was, and is not for ever', () => {
    const overload = new Overload();
    overload.users = 6000;
    let nowMs = load(overload, 0, 5000, 1);
    expect(overload.isOverloaded(nowMs)).toBe(true);
    overload.users = 1000;
    expect(overload.isOverloaded(nowMs)).toBe(false);
    expect(overload.roomAt(nowMs)).toBe(5000);
    nowMs = load(overload, nowMs, CARRIED_MS, 0.9);
    expect(overload.isOverloaded(nowMs)).toBe(false);
    nowMs = load(overload, nowMs, CARRIED_MS, 0.9);
    expect(overload.isOverloaded(nowMs)).toBe(true);
  });

  it('is, while rounds are late, for those alone who were carried in time', () => {
    const overload = new Overload();
    overload.users = 2000;
    let nowMs = load(overload, 0, 1000, 0.3);
    overload.users = 3000;
    for (let i = 0; i < 10; i += 1) {
      overload.roundEnded(nowMs, OVERLOAD_LAG_MS + 1);
      nowMs = load(overload, nowMs, OVERLOAD_WINDOW_MS, 0.3);
    }
    expect(overload.isOverloaded(nowMs)).toBe(true);
    overload.users = 1500;
    expect(overload.isOverloaded(nowMs)).toBe(false);
    expect(overload.roomAt(nowMs)).toBe(500);
    overload.roundEnded(nowMs, OVERLOAD_LAG_MS);
    expect(overload.roomAt(nowMs)).toBeGreaterThan(500);
  });

  it('is for anyone after a while in which nothing was delivered', () => {
    const overload = new Overload();
    overload.users = 1000;
    const nowMs = load(overload, 0, 5000, 0.75);
    expect(overload.roomAt(nowMs + TWO_WINDOWS_MS)).toBe(1000);
  });

  it('lets a crowd of any size fill the node in a few windows, and not far past what it carries', () => {
    for (const carried of [100, 1200, 3000, 20_000]) {
      const overload = new Overload();
      let [nowMs, most] = [0, 0];
      for (let window = 0; window < 20; window += 1) {
        overload.users += overload.roomAt(nowMs);
        most = Math.max(most, overload.users);
        // Of those who came all at once in the window before, all are there in this one.
        const share = Math.min(1, (OVERLOAD_SHARE * overload.users) / carried);
        nowMs = load(overload, nowMs, OVERLOAD_WINDOW_MS + PERIOD_MS, share);
      }
      expect(overload.users).toBeGreaterThan(0.85 * carried);
      expect(most).toBeLessThan(Math.max(1.3 * carried, ADMISSION_STEP_USERS + 1));
    }
  });
});

describe('overload by lag', () => {
  it('is a queue that stands: all rounds of two windows were late', () => {
    const overload = new Overload();
    overload.roundEnded(1000, OVERLOAD_LAG_MS + 1);
    expect(overload.isOverloaded(1000)).toBe(false);
    overload.roundEnded(1000 + TWO_WINDOWS_MS - 1, OVERLOAD_LAG_MS + 1);
    expect(overload.isOverloaded(1000 + TWO_WINDOWS_MS - 1)).toBe(false);
    overload.roundEnded(1000 + TWO_WINDOWS_MS, OVERLOAD_LAG_MS + 1);
    expect(overload.isOverloaded(1000 + TWO_WINDOWS_MS)).toBe(true);
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
    expect(overload.isOverloaded(2000 + 2 * TWO_WINDOWS_MS)).toBe(true);
    expect(overload.isOverloaded(2001 + 2 * TWO_WINDOWS_MS)).toBe(false);
  });
});
