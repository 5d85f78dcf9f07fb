/**
 * `make bench`: the edge node under load, beside a plain C relay in the same run. Every byte that a user receives is
 * checked. Goals of speed are reported; wrong bytes or counts and failed runs make the exit code 1.
 *
 *     node infra/bench/bench.ts [--only <scenario>]... [--seconds <measured>] [--runs <of each, the median counts>]
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError, runBench, temporaryFolder } from './child.ts';
import type { DecodeFigure } from './decode.ts';
import { goalsOf } from './goals.ts';
import { type Options, readOptions } from './options.ts';
import { openFilesLimit } from './proc.ts';
import { compilePrograms, type Programs } from './programs.ts';
import {
  decodeRow,
  goalRow,
  machine,
  machineRow,
  microsPerPacket,
  OUT,
  type Outcome,
  tableHead,
  tableRow,
} from './report.ts';
import { type RunResult, run } from './run.ts';
import { MOST_USERS, SCENARIOS, type Scenario } from './scenarios.ts';
import { registerUsers, type Server, startEdgeNode, startRelay } from './server.ts';

/** Long times are for the edge node's memory, which the relay is not asked for. */
const RELAY_TIMES = { warmUpSeconds: 4, seconds: 10 };
/** What the edge node and its libraries open besides its users, with room. */
const SPARE_FILES = 200;
const DECODE_MS = 120_000;

function decodeFigures(): DecodeFigure[] {
  const script = join(import.meta.dirname, 'decode.ts');
  const options = { encoding: 'utf8', timeout: DECODE_MS } as const;
  const lines = execFileSync(process.execPath, [script], options).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as DecodeFigure);
}

/** Of several runs, the one with the median CPU for each packet. */
function median(runs: readonly RunResult[]): RunResult | undefined {
  const sorted = runs.toSorted((a, b) => microsPerPacket(a) - microsPerPacket(b));
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** Runs one scenario on the edge node and on the relay in turn, and prints each run. */
async function outcomeOf(
  scenario: Scenario,
  options: Options,
  programs: Programs,
  dataFolder: string,
): Promise<Outcome> {
  console.log(`${scenario.name}: ${scenario.about}`);
  const files = scenario.users + scenario.stalledUsers + SPARE_FILES;
  if (files > openFilesLimit()) {
    const failure = `needs ${files} open files, the limit is ${openFilesLimit()}: raise ulimit -n`;
    console.log(`  not run: ${failure}`);
    return { scenario, edge: undefined, relay: undefined, failures: [failure] };
  }
  const failures: string[] = [];
  const runOn = async (timed: Scenario, start: (sourcePort: number) => Promise<Server>) => {
    try {
      const result = await run(timed, programs, start);
      console.log(tableRow(result));
      return [result];
    } catch (error) {
      if (!(error instanceof BenchError)) throw error;
      console.log(`  failed: ${error.message}`);
      failures.push(error.message);
      return [];
    }
  };
  const logFile = join(OUT, `${scenario.name}.edge-node.log`);
  const edges: RunResult[] = [];
  const relays: RunResult[] = [];
  for (let i = 0; i < options.runs; i += 1) {
    edges.push(...(await runOn(scenario, (port) => startEdgeNode(port, { dataFolder, logFile }))));
    if (scenario.transport === 'http') continue;
    const timed = { ...scenario, ...RELAY_TIMES };
    relays.push(...(await runOn(timed, (port) => startRelay(programs.relay, port))));
  }
  return { scenario, edge: median(edges), relay: median(relays), failures };
}

async function scenarioOutcomes(options: Options): Promise<Outcome[]> {
  const scenarios = SCENARIOS.filter(({ name }) => options.wanted(name)).map((scenario) => ({
    ...scenario,
    ...options.times,
  }));
  if (scenarios.length === 0) return [];
  const programs = compilePrograms(OUT);
  const dataFolder = temporaryFolder();
  await registerUsers(dataFolder, MOST_USERS);
  console.log(tableHead());
  const outcomes: Outcome[] = [];
  for (const scenario of scenarios) {
    outcomes.push(await outcomeOf(scenario, options, programs, dataFolder));
  }
  return outcomes;
}

async function main(): Promise<void> {
  if (process.platform !== 'linux') throw new BenchError('the bench needs Linux: epoll and /proc');
  const options = readOptions();
  mkdirSync(OUT, { recursive: true });
  console.log(`${machineRow()}\n`);

  const decode = options.wanted('decode') ? decodeFigures() : [];
  for (const figure of decode) console.log(decodeRow(figure));
  const outcomes = await scenarioOutcomes(options);
  const goals = goalsOf(outcomes, decode);
  console.log(
    '\nGoals, which stand for a quiet machine ("others", cores that other work took, near 0):',
  );
  for (const goal of goals) console.log(goalRow(goal));

  const file = join(OUT, 'bench.json');
  const figures = { machine: machine(), decode, outcomes, goals };
  writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`);
  console.log(`\nAll figures: ${file}`);
  const failed = outcomes.some(({ failures }) => failures.length > 0);
  const miscounted = goals.some(({ kind, held }) => kind === 'correctness' && !held);
  if (failed || miscounted) process.exitCode = 1;
}

await runBench(main);
