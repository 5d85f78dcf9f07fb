import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TimeLimitError, withTimeout } from './with-timeout.ts';

describe('a time limit', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('changes nothing about work that ends in time, and leaves no timer behind', async () => {
    expect(await withTimeout(Promise.resolve(7), 1_000)).toBe(7);
    const error = new Error('failed');
    await expect(withTimeout(Promise.reject(error), 1_000)).rejects.toBe(error);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends the wait for work that never ends, and not before', async () => {
    let outcome: unknown;
    withTimeout(new Promise(() => {}), 1_000).catch((error) => {
      outcome = error;
    });
    await vi.advanceTimersByTimeAsync(999);
    expect(outcome).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(outcome).toBeInstanceOf(TimeLimitError);
  });

  it('lets nobody hear of a failure that comes too late', async () => {
    const { promise, reject } = Promise.withResolvers<void>();
    const limited = withTimeout(promise, 1_000);
    const ended = expect(limited).rejects.toBeInstanceOf(TimeLimitError);
    await vi.advanceTimersByTimeAsync(1_000);
    await ended;
    reject(new Error('late'));
    await vi.advanceTimersByTimeAsync(1_000);
  });
});
