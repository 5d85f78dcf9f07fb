/**
 * `make bench-pressure`: the edge node when it is full, when a crowd comes, and when users do not read. Every byte that a
 * user receives is checked. Goals of speed are reported; wrong bytes or counts and failed runs make the exit code 1.
 *
 *     node infra/bench/pressure/pressure.ts [over-capacity|reconnecting|never-reading|many-users]...
 */

import { mkdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { BenchError, runBench, temporaryFolder } from '../child.ts';
import { openFilesLimit } from '../proc.ts';
import { compilePrograms } from '../programs.ts';
import { type Goal, goalRow, machineRow, OUT } from '../report.ts';
import { registerUsers } from '../server.ts';
import { manyUsers, neverReading } from './memory.ts';
import { overCapacity } from './over-capacity.ts';
import { reconnecting } from './reconnecting.ts';
import type { Bench } from './rig.ts';

const REGISTERED = 15_000;
const FILES = 16_000;

const CASES: Readonly<Record<string, (bench: Bench) => Promise<Goal[]>>> = {
  'over-capacity': overCapacity,
  reconnecting,
  'never-reading': neverReading,
  'many-users': manyUsers,
};

function wanted(): string[] {
  const only = process.argv.slice(2);
  const unknown = only.find((name) => !(name in CASES));
  if (unknown === undefined) return only.length > 0 ? only : Object.keys(CASES);
  throw new BenchError(`no ${unknown}; there are ${Object.keys(CASES).join(', ')}`);
}

/** One case, with its goals printed. @returns whether its counts were right */
async function holds(name: string, bench: Bench): Promise<boolean> {
  console.log(name);
  try {
    const goals = (await CASES[name]?.(bench)) ?? [];
    for (const goal of goals) console.log(goalRow(goal));
    return goals.every(({ kind, held }) => held || kind === 'speed');
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    console.log(`  failed: ${error.message}`);
    return false;
  }
}

async function main(): Promise<void> {
  if (process.platform !== 'linux') throw new BenchError('the bench needs Linux: epoll and /proc');
  if (openFilesLimit() < FILES) throw new BenchError(`raise ulimit -n to ${FILES} or more`);
  const names = wanted();
  mkdirSync(OUT, { recursive: true });
  const load = loadavg()[0]?.toFixed(1);
  console.log(`${machineRow()}, load before: ${load}\n`);
  const programs = compilePrograms(OUT);
  const dataFolder = temporaryFolder();
  await registerUsers(dataFolder, REGISTERED);
  for (const name of names) {
    if (!(await holds(name, { programs, dataFolder, logFolder: OUT }))) process.exitCode = 1;
  }
}

await runBench(main);
