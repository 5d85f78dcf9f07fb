import { describe, expect, it } from 'vitest';
import { type Sample, Watchdog } from './watchdog.ts';

const STEP_MS = 250;

/** A player seen every quarter of a second: what moves and what comes, for so many seconds. */
class SeenPlayer {
  readonly watchdog = new Watchdog();
  #sample: Sample = { nowMs: 0, position: 0, bytes: 0, resumesAt: undefined };

  go(seconds: number, { moves = true, flows = true, resumesAt = undefined as number | undefined }) {
    let kind = '';
    for (let ms = 0; ms < seconds * 1000; ms += STEP_MS) {
      const { nowMs, position, bytes } = this.#sample;
      this.#sample = {
        nowMs: nowMs + STEP_MS,
        position: position + (moves ? STEP_MS / 1000 : 0),
        bytes: bytes + (flows ? 1000 : 0),
        resumesAt,
      };
      kind = this.watchdog.judge(this.#sample).kind;
    }
    return kind;
  }
}

describe('the watchdog', () => {
  it('lets a player be that plays, with the short stops that are usual', () => {
    const player = new SeenPlayer();
    expect(player.go(60, {})).toBe('plays');
    expect(player.go(0.25, { moves: false })).toBe('plays');
    expect(player.go(1, {})).toBe('plays');
  });

  it('tells a picture that stands although bytes come', () => {
    const player = new SeenPlayer();
    player.go(5, {});
    expect(player.go(1.5, { moves: false })).toBe('waits');
    expect(player.go(1.5, { moves: false })).toBe('frozen');
  });

  it('waits as long as nothing comes, and for what comes then to be shown', () => {
    const player = new SeenPlayer();
    player.go(5, {});
    expect(player.go(600, { moves: false, flows: false })).toBe('waits');
    expect(player.go(1.5, { moves: false })).toBe('waits');
    expect(player.go(5, {})).toBe('plays');
  });

  it('gives a new player the time that a key picture may take to come', () => {
    const player = new SeenPlayer();
    expect(player.go(10, { moves: false })).toBe('waits');
    expect(player.go(5, { moves: false })).toBe('frozen');
  });

  it('jumps over a hole', () => {
    const player = new SeenPlayer();
    player.go(5, {});
    expect(player.go(1, { moves: false, resumesAt: 9 })).toBe('jump');
  });
});
