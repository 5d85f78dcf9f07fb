import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LOG_KINDS_MAX } from './limits.ts';
import { LogLimiter } from './logger.ts';

function rig() {
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  return { lines, limiter: new LogLimiter(pino({ base: null, timestamp: false }, sink)) };
}

describe('floods of warnings', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('are one line at once, then one a second with the exact count', () => {
    const { lines, limiter } = rig();
    for (let i = 0; i < 1000; i += 1) limiter.warn('dropped', { i });
    expect(lines).toEqual([{ level: 40, i: 0, msg: 'dropped' }]);
    vi.advanceTimersByTime(1000);
    expect(lines[1]).toEqual({ level: 40, i: 999, count: 999, msg: 'dropped' });
    limiter.warn('dropped', { i: 1000 });
    vi.advanceTimersByTime(1000);
    expect(lines[2]).toMatchObject({ i: 1000, count: 1 });
    vi.advanceTimersByTime(10_000);
    expect(lines.length).toBe(3);
    limiter.warn('dropped', { i: 1001 });
    expect(lines.length).toBe(4);
  });

  it('of one kind hold back no other kind', () => {
    const { lines, limiter } = rig();
    limiter.warn('dropped');
    limiter.error('refused');
    expect(lines.map(({ msg }) => msg)).toEqual(['dropped', 'refused']);
  });

  it('are told apart by what they are of, and counted for each', () => {
    const { lines, limiter } = rig();
    for (const of of ['zato01', 'zato02', 'zato02']) limiter.warn('failed', { of }, of);
    expect(lines.map((line) => line.of)).toEqual(['zato01', 'zato02']);
    vi.advanceTimersByTime(1000);
    expect(lines.slice(2)).toEqual([{ level: 40, of: 'zato02', count: 1, msg: 'failed' }]);
  });

  it('of more things than are told apart are one kind, each counted', () => {
    const { lines, limiter } = rig();
    const floods = 3 * LOG_KINDS_MAX;
    for (let of = 0; of < floods; of += 1) limiter.warn('failed', { of }, String(of));
    expect(lines).toHaveLength(LOG_KINDS_MAX + 1);
    limiter.flush();
    expect(lines.slice(LOG_KINDS_MAX + 1)).toEqual([
      { level: 40, of: floods - 1, count: floods - LOG_KINDS_MAX - 1, msg: 'failed' },
    ]);
    limiter.warn('failed', { of: 1 }, '1');
    expect(lines.at(-1)).toEqual({ level: 40, of: 1, msg: 'failed' });
  });

  it('are told at the end, when the process stops within the second', () => {
    const { lines, limiter } = rig();
    for (let i = 0; i < 5; i += 1) limiter.error('refused');
    limiter.flush();
    expect(lines[1]).toMatchObject({ count: 4, msg: 'refused' });
  });
});
