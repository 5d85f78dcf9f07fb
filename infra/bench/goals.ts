import type { DecodeFigure } from './decode.ts';
import {
  atMost,
  cores,
  type Goal,
  microsPerPacket,
  mostResidentMegabytes,
  type Outcome,
} from './report.ts';
import type { RunResult } from './run.ts';

/** Resident memory counts as flat while the second half of the interval stays within this of the first. */
const FLAT_PART = 1.05;
/** Latency beside a stalled user counts as not added to within this much, for the noise between two runs. */
const LATENCY_NOISE_MS = 10;
/** What one more connection may cost in the process, whether it reads or not. */
const STALLED_USER_KILOBYTES = 64;

function flatMemory(run: RunResult): Goal {
  const half = Math.ceil(run.residentBytes.length / 2);
  const first = Math.max(...run.residentBytes.slice(0, half));
  const second = Math.max(...run.residentBytes.slice(half));
  return {
    kind: 'speed',
    goal: `memory flat over ${run.interval.seconds.toFixed(0)} s`,
    measured: `at most ${(first / 1e6).toFixed(0)} MB in the first half, ${(second / 1e6).toFixed(0)} MB in the second`,
    held: second <= first * FLAT_PART,
  };
}

function noDrop(run: RunResult): Goal {
  return atMost('no drop', run.account?.missing ?? Number.NaN, 0, 'packets missing', 0);
}

function sumsEqual({ account }: RunResult): Goal {
  const { missing = Number.NaN, skipped, lost, behind } = account ?? {};
  return {
    kind: 'correctness',
    goal: "gaps only where a skip was counted: the sums are equal, all users at their channel's end",
    measured: `${missing} missing, ${skipped} skipped, ${lost} lost before the fan-out, ${behind} users behind`,
    held: missing === skipped && lost === 0 && behind === 0,
  };
}

function relayShare(edge: RunResult, relay: RunResult | undefined): Goal[] {
  if (relay === undefined) return [];
  const share = microsPerPacket(edge) / microsPerPacket(relay);
  return [atMost("at most 0.5 of the relay's CPU a packet", share, 0.5, 'of it')];
}

function httpShare(edge: RunResult, byLine: RunResult | undefined): Goal[] {
  if (byLine === undefined) return [];
  const share = microsPerPacket(edge) / microsPerPacket(byLine);
  return [atMost('at most 1.05 of the CPU a packet of users by line', share, 1.05, 'of it')];
}

function goalsOfOne({ scenario, edge, relay }: Outcome, all: readonly Outcome[]): Goal[] {
  if (edge === undefined) return [];
  const { p99Ms } = edge.interval;
  switch (scenario.name) {
    case 'fanout-1':
      return [atMost('p99 under 30 ms', p99Ms, 30, 'ms')];
    case 'fanout-1000':
      return [
        ...relayShare(edge, relay),
        atMost('p99 under 150 ms', p99Ms, 150, 'ms', 0),
        noDrop(edge),
        atMost('under 200 MB', mostResidentMegabytes(edge), 200, 'MB', 0),
        flatMemory(edge),
      ];
    case 'http-1000':
      return [noDrop(edge), ...httpShare(edge, edgeOf('fanout-1000', all))];
    case 'fanout-5000':
      return [
        atMost('under 0.8 of a core', cores(edge), 0.8, 'cores'),
        atMost('p99 under 300 ms', p99Ms, 300, 'ms', 0),
      ];
    case 'flat-out':
      return [atMost('at most 0.4 µs a packet', microsPerPacket(edge), 0.4, 'µs'), sumsEqual(edge)];
    case 'stalled-1':
      return [noDrop(edge), ...noAddedLatency(edge, edgeOf('stalled-0', all))];
    case 'stalled-1000':
      return [
        noDrop(edge),
        ...memoryOfStalled(edge, edgeOf('stalled-0', all), scenario.stalledUsers),
      ];
    default:
      return [];
  }
}

function edgeOf(name: string, all: readonly Outcome[]): RunResult | undefined {
  return all.find(({ scenario }) => scenario.name === name)?.edge;
}

function noAddedLatency(edge: RunResult, without: RunResult | undefined): Goal[] {
  if (without === undefined) return [];
  const added = edge.interval.p99Ms - without.interval.p99Ms;
  const goal = `no added latency: p99 within ${LATENCY_NOISE_MS} ms of the run without it`;
  return [atMost(goal, added, LATENCY_NOISE_MS, 'ms more')];
}

function memoryOfStalled(edge: RunResult, without: RunResult | undefined, users: number): Goal[] {
  if (without === undefined) return [flatMemory(edge)];
  const more = (mostResidentMegabytes(edge) - mostResidentMegabytes(without)) * 1e3;
  const goal = `at most ${STALLED_USER_KILOBYTES} KB for each stalled user`;
  return [flatMemory(edge), atMost(goal, more / users, STALLED_USER_KILOBYTES, 'KB', 0)];
}

/** What the product promises, and whether this run of the bench saw it hold; only for what was run. */
export function goalsOf(outcomes: readonly Outcome[], decode: readonly DecodeFigure[]): Goal[] {
  const slowest = Math.min(...decode.map(({ packetsPerSecond }) => packetsPerSecond)) / 1e6;
  const decoding: Goal = {
    kind: 'speed',
    goal: 'decode and reorder: at least 1.5 M packets/s',
    measured: `${slowest.toFixed(2)} M packets/s in the slowest case`,
    held: slowest >= 1.5,
  };
  const rest = outcomes.flatMap((outcome) =>
    goalsOfOne(outcome, outcomes).map((goal) => ({
      ...goal,
      goal: `${outcome.scenario.name}: ${goal.goal}`,
    })),
  );
  return decode.length > 0 ? [decoding, ...rest] : rest;
}
