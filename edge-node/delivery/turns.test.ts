import { setImmediate as polled } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  SLICE_ARRIVALS_LATE_MS,
  SLICE_ARRIVALS_MAX_MS,
  SLICE_ARRIVALS_MS,
  SLICE_MS,
} from '../../shared/limits.ts';
import type { Channel, Watcher } from '../channels/channel.ts';
import { Overload } from './overload.ts';
import { Turns } from './turns.ts';

const WRITE_MS = 0.125;
/** A slice ends at the first look at the clock after it is over. */
const mostIn = (sliceMs: number) => sliceMs / WRITE_MS + 4;

class TestClock {
  nowMs = 0;
  monotonicMs(): number {
    return this.nowMs;
  }
  epochMs(): number {
    return this.nowMs;
  }
}

/** Turns under a clock that only writes move on, and a note of who was written to in each turn of the event loop. */
function rig() {
  const clock = new TestClock();
  const arrivals = { accepted: 0 };
  const turns = new Turns(clock, new Overload(), arrivals);
  const written: string[] = [];
  const watcher = (name: string, then = () => {}): Watcher => ({
    attach: () => {},
    letGoOf: () => {},
    advance: () => {
      written.push(name);
      clock.nowMs += WRITE_MS;
      then();
    },
  });
  /** How many had been written to when a channel was told that its round had ended, each time. */
  const ends: number[] = [];
  const channel = (...watchers: Watcher[]) =>
    ({
      watchers: new Set(watchers),
      roundEnded: () => ends.push(written.length),
    }) as unknown as Channel;
  /** Who is written to in the next turns, turn by turn, until nobody is. */
  const play = async () => {
    const slices: string[][] = [];
    for (let seen = written.length; ; seen = written.length) {
      await polled();
      if (written.length === seen) return slices;
      slices.push(written.slice(seen));
    }
  };
  return { arrivals, turns, watcher, channel, ends, play };
}

const names = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, i) => prefix + i);

describe('a round of delivery', () => {
  it('of thousands of users takes many turns of the loop, none of them long, and reaches each once', async () => {
    const { turns, watcher, channel, play } = rig();
    const users = names(2000, 'u');
    turns.runsClosed(channel(...users.map((name) => watcher(name))));
    const slices = await play();
    expect(Math.max(...slices.map(({ length }) => length))).toBeLessThanOrEqual(mostIn(SLICE_MS));
    expect(slices.flat()).toEqual(users);
  });

  it('writes once to who is behind and whose channel has closed a run, too', async () => {
    const { turns, watcher, channel, play } = rig();
    let left = 3;
    // The kernel takes each write at once: the user is behind again before its turn is over.
    const user = watcher('user', () => {
      left -= 1;
      if (left > 0) turns.behind(user);
      if (left === 2) turns.runsClosed(watched);
    });
    const watched = channel(user, watcher('other'));
    turns.runsClosed(watched);
    const slices = await play();
    expect(slices).toEqual([['user', 'other'], ['user', 'other'], ['user']]);
  });

  it('is cut into shorter slices while connections arrive, since each poll accepts one', async () => {
    const { arrivals, turns, watcher, channel, play } = rig();
    const many = names(500, 'u').map((name) =>
      watcher(name, () => {
        arrivals.accepted += 1;
      }),
    );
    turns.runsClosed(channel(...many));
    const longest = Math.max(...(await play()).slice(1).map(({ length }) => length));
    // Each of them brings an arrival: all slices but the first are short.
    expect(longest).toBeLessThanOrEqual(mostIn(SLICE_ARRIVALS_MS));
  });

  it('gets longer slices beside arrivals the later it is, up to a bound', async () => {
    const { arrivals, turns, watcher, channel, play } = rig();
    const many = names(20_000, 'u').map((name) =>
      watcher(name, () => {
        arrivals.accepted += 1;
      }),
    );
    turns.runsClosed(channel(...many));
    const slices = (await play()).slice(1, -1).map(({ length }) => length);
    const early = slices.slice(0, SLICE_ARRIVALS_LATE_MS / 2);
    expect(Math.max(...early)).toBeLessThanOrEqual(mostIn(SLICE_ARRIVALS_MS));
    expect(slices.at(-1)).toBeGreaterThanOrEqual(SLICE_ARRIVALS_MAX_MS / WRITE_MS);
    expect(slices.at(-1)).toBeLessThanOrEqual(mostIn(SLICE_ARRIVALS_MAX_MS));
  });

  it('is done before the next one begins: whoever is behind waits for all others', async () => {
    const { turns, watcher, channel, play } = rig();
    const many = channel(...names(100, 'u').map((name) => watcher(name)));
    let times = 0;
    const late = watcher('late', () => {
      times += 1;
      if (times < 3) turns.behind(late);
    });
    turns.behind(late);
    turns.runsClosed(many);
    const first = await play();
    expect(first.flat().indexOf('late')).toBe(100);
    expect(first.flat().filter((name) => name === 'late')).toHaveLength(3);
  });

  it('writes again to those who had their turn when another run closes, and once to those who had not', async () => {
    const { turns, watcher, channel, play } = rig();
    const users = names(100, 'u');
    let isFirst = true;
    const again = (): void => {
      if (isFirst) turns.runsClosed(all);
      isFirst = false;
    };
    const all = channel(...users.map((name) => watcher(name, name === 'u50' ? again : undefined)));
    turns.runsClosed(all);
    expect((await play()).flat()).toEqual([...users, ...users]);
  });

  it('ends for each channel once its users had their turn, before those who were behind', async () => {
    const { turns, watcher, channel, ends, play } = rig();
    turns.behind(watcher('late'));
    turns.runsClosed(channel(...names(100, 'u').map((name) => watcher(name))));
    turns.runsClosed(channel(...names(50, 'v').map((name) => watcher(name))));
    turns.runsClosed(channel());
    expect((await play()).flat()).toHaveLength(151);
    expect(ends).toEqual([100, 150, 150]);
  });

  it('does not end for a channel while more of its runs have closed', async () => {
    const { turns, watcher, channel, ends, play } = rig();
    let isFirst = true;
    const all = channel(
      ...names(100, 'u').map((name) =>
        watcher(name, () => {
          if (isFirst) turns.runsClosed(all);
          isFirst = false;
        }),
      ),
    );
    turns.runsClosed(all);
    await play();
    expect(ends).toEqual([200]);
  });

  it('passes over who has left meanwhile, and takes in who has come', async () => {
    const { turns, watcher, channel, play } = rig();
    const leaving = watcher('leaving');
    const coming = watcher('coming');
    const stays = names(60, 'u');
    const all = channel(
      watcher('first', () => {
        all.watchers.delete(leaving);
        all.watchers.add(coming);
      }),
      ...stays.map((name) => watcher(name)),
      leaving,
    );
    turns.runsClosed(all);
    expect((await play()).flat()).toEqual(['first', ...stays, 'coming']);
  });

  it('is left where it stands by a stop', async () => {
    const { turns, watcher, channel, play } = rig();
    turns.runsClosed(channel(...names(100, 'u').map((name) => watcher(name))));
    await polled();
    turns.stop();
    expect(await play()).toEqual([]);
  });
});
