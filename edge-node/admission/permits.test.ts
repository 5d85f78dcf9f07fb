import { describe, expect, it } from 'vitest';
import { TimeLimitError } from '../../shared/with-timeout.ts';
import { Permits } from './permits.ts';

const LONG_MS = 20_000;

describe('permits', () => {
  it('are given in the order of asking, once one is given back', async () => {
    const permits = new Permits(1);
    expect(permits.tryTake()).toBe(true);
    const got: string[] = [];
    const first = permits.take(LONG_MS).then(() => got.push('first'));
    const second = permits.take(LONG_MS).then(() => got.push('second'));
    expect(permits.tryTake()).toBe(false);
    permits.giveBack();
    await first;
    permits.giveBack();
    await second;
    expect(got).toEqual(['first', 'second']);
    permits.giveBack();
    expect(permits.tryTake()).toBe(true);
  });

  it('are not lost with those who have stopped waiting', async () => {
    const permits = new Permits(1);
    permits.tryTake();
    await expect(permits.take(1)).rejects.toBeInstanceOf(TimeLimitError);
    permits.giveBack();
    expect(permits.tryTake()).toBe(true);
    expect(permits.tryTake()).toBe(false);
  });
});
