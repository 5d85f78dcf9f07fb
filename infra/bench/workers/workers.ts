/**
 * What several workers cost: the same users on an edge node of one process and on one of several, in turn, so that
 * what else the machine does meets both alike. Every byte is checked. Exit code 1 where a goal is not held.
 *
 *     node infra/bench/workers/workers.ts [--users 2000] [--workers 2] [--seconds 15] [--pairs 3]
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runBench, temporaryFolder } from '../child.ts';
import { compilePrograms, type Programs } from '../programs.ts';
import {
  atMost,
  goalRow,
  machineRow,
  median,
  microsPerPacket,
  OUT,
  tableHead,
  tableRow,
} from '../report.ts';
import { type RunResult, run } from '../run.ts';
import type { Scenario } from '../scenarios.ts';
import { registerUsers, startEdgeNode, untilAllServe } from '../server.ts';

/** The same users, on several workers, may cost this much of what they cost on one. */
const MOST_COST = 1.05;
/** The worker with the most users may have this part of a fair share more than the one with the fewest. */
const MOST_SPREAD = 0.1;
const LOOK_MS = 2_000;

interface Options {
  readonly users: number;
  readonly workers: number;
  readonly seconds: number;
  readonly pairs: number;
}

interface Measured {
  readonly result: RunResult;
  /** Users of each worker; of a node of one process none. */
  readonly spread: readonly number[];
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      users: { type: 'string', default: '2000' },
      workers: { type: 'string', default: '2' },
      seconds: { type: 'string', default: '15' },
      pairs: { type: 'string', default: '3' },
    },
  });
  const { users, workers, seconds, pairs } = values;
  return {
    users: Number(users),
    workers: Number(workers),
    seconds: Number(seconds),
    pairs: Number(pairs),
  };
}

async function usersOfWorkers(admin: string): Promise<number[]> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  return [...text.matchAll(/^streaming_worker_users\{.*\} (\d+)$/gm)].map(([, users]) =>
    Number(users),
  );
}

async function measure(
  scenario: Scenario,
  workers: number,
  programs: Programs,
  dataFolder: string,
): Promise<Measured> {
  let spread: number[] = [];
  const result = await run(scenario, programs, async (sourcePort) => {
    const { counts: _counts, ...node } = await startEdgeNode(sourcePort, {
      dataFolder,
      logFile: join(OUT, `workers-${workers}.edge-node.log`),
      settings: { EDGE_WORKERS: String(workers) },
    });
    await untilAllServe(node.admin, workers);
    const looks = setInterval(() => {
      void usersOfWorkers(node.admin).then(
        (users) => {
          // Once all have come, and before they go.
          if (sum(users) === scenario.users) spread = users;
        },
        () => clearInterval(looks),
      );
    }, LOOK_MS);
    return node;
  });
  console.log(`${tableRow(result)}  ${workers} workers ${spread.join('/')}`);
  return { result, spread };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

await runBench(async () => {
  const { users, workers, seconds, pairs } = readOptions();
  const scenario: Scenario = {
    name: 'workers',
    about: `${users} users, 100 packets/s`,
    users,
    stalledUsers: 0,
    channels: 1,
    packetsPerSecond: 100,
    warmUpSeconds: 5,
    seconds,
  };
  mkdirSync(OUT, { recursive: true });
  console.log(machineRow());
  console.log(scenario.about);
  const programs = compilePrograms(OUT);
  const dataFolder = temporaryFolder();
  await registerUsers(dataFolder, users);
  console.log(tableHead());
  const costs: number[] = [];
  const spreads: number[] = [];
  for (let i = 0; i < pairs; i += 1) {
    const one = await measure(scenario, 1, programs, dataFolder);
    const several = await measure(scenario, workers, programs, dataFolder);
    costs.push(microsPerPacket(several.result) / microsPerPacket(one.result));
    const [most = 0, least = 0] = [Math.max(...several.spread), Math.min(...several.spread)];
    spreads.push((most - least) / (users / workers));
  }
  const goals = [
    atMost(`CPU of ${workers} workers, median of ${pairs}`, median(costs), MOST_COST, 'of one'),
    atMost('most of a fair share between workers', Math.max(...spreads), MOST_SPREAD, 'of it'),
  ];
  for (const goal of goals) console.log(goalRow(goal));
  if (goals.some(({ held }) => !held)) process.exitCode = 1;
});
