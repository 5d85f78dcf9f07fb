import { describe, expect, test } from 'vitest';
import { goalsOf } from './goals.ts';
import type { Outcome } from './report.ts';
import type { RunResult } from './run.ts';
import { SCENARIOS } from './scenarios.ts';

function outcome(name: string, run: Partial<RunResult> = {}): Outcome {
  const scenario = SCENARIOS.find((scenario) => scenario.name === name)!;
  const counts = { packets: 1_000_000, bytes: 1_316_000_000, missing: 0, gaps: 0 };
  const times = { seconds: 10, p50Ms: 1, p99Ms: 2, p999Ms: 3, maxMs: 4 };
  const edge: RunResult = {
    server: 'edge node',
    interval: { ...counts, ...times, leastPackets: 1, mostPackets: 1 },
    account: { ...counts, behind: 0, skipped: 0, lost: 0 },
    cpuSeconds: 0.3,
    otherCores: 0,
    residentBytes: [50e6, 60e6, 60e6],
    ...run,
  };
  return { scenario, edge, relay: undefined, failures: [] };
}

const missed = (outcomes: Outcome[]) => goalsOf(outcomes, []).filter(({ held }) => !held);
const account = { packets: 1, bytes: 1, missing: 5, gaps: 1, behind: 0, skipped: 5, lost: 0 };

describe('goals', () => {
  test('a good run misses none', () => {
    expect(missed(SCENARIOS.map(({ name }) => outcome(name)))).toEqual([]);
  });

  test('packets that are missing at users and were counted as skipped are no error', () => {
    expect(missed([outcome('flat-out', { account })])).toEqual([]);
  });

  test.each([
    ['missing packets that nobody counted', { ...account, skipped: 4 }],
    ['skips counted that nobody misses', { ...account, missing: 4 }],
    ['a user left behind at the end', { ...account, behind: 1 }],
  ])('%s are an error of counts, not of speed', (_, account) => {
    expect(missed([outcome('flat-out', { account })])).toMatchObject([{ kind: 'correctness' }]);
  });

  test('memory that goes on growing is not flat', () => {
    const growing = Array.from({ length: 20 }, (_, i) => 50e6 + i * 1e6);
    expect(missed([outcome('fanout-1000', { residentBytes: growing })])).toMatchObject([
      { goal: expect.stringContaining('flat') },
    ]);
  });

  test('what was not run is neither held nor missed', () => {
    const { scenario } = outcome('fanout-1000');
    const failed = { scenario, edge: undefined, relay: undefined, failures: ['no line'] };
    expect(goalsOf([failed], [])).toEqual([]);
  });
});
