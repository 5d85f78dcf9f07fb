/**
 * `npm run bench:scale` (6 minutes; Linux, a C compiler, Go or nats-server): what the service costs on 1, 2 and 4 workers,
 * on 1 to 4 nodes by NATS, and with 1 to 1,000 channels; what the model says of each; and what it says of fleets. CPU is
 * that of each program by itself, for they share the cores with the load. Every byte is checked. Exit code 1 where a point
 * fails or users miss packets. How close the model is, is reported.
 *
 *     npm run bench:scale -- [--only edge|nats|model] [--seconds <measured>]
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareNats } from '../../local/nats/nats-program.ts';
import { BenchError, runBench, temporaryFolder } from '../child.ts';
import { compilePrograms } from '../programs.ts';
import { machine, machineRow, OUT } from '../report.ts';
import { measure, prepareStores, type Rig } from './measure.ts';
import { POINTS, type Point } from './points.ts';
import { comparedTable, measuredTable, type Outcome, planTable } from './tables.ts';

const GROUPS = ['edge', 'nats', 'model'];

interface Options {
  readonly points: readonly Point[];
  readonly seconds: number;
}

function readOptions(): Options {
  const { only, seconds } = parseArgs({
    options: { only: { type: 'string' }, seconds: { type: 'string', default: '8' } },
  }).values;
  if (only !== undefined && !GROUPS.includes(only)) {
    throw new BenchError(`no ${only}; there are ${GROUPS.join(', ')}`);
  }
  if (!(Number(seconds) >= 1)) throw new BenchError(`${seconds} is not a number of seconds`);
  const points = POINTS.filter(({ group }) => only === undefined || only === group);
  return { points, seconds: Number(seconds) };
}

async function prepare({ points, seconds }: Options): Promise<Rig> {
  const dataFolder = temporaryFolder();
  const nodes = Math.max(...points.map((point) => point.nodes));
  await prepareStores(dataFolder, nodes, Math.max(...points.map((point) => point.usersOfNode)));
  const overNats = points.some(({ feed }) => feed === 'nats');
  const nats = overNats ? await prepareNats(console.log) : undefined;
  return { programs: compilePrograms(OUT), nats, dataFolder, seconds };
}

/** All points in turn; one that fails does not take the others along. What is measured is written down at once. */
async function outcomesOf(options: Options, file: string): Promise<Outcome[]> {
  const rig = await prepare(options);
  const outcomes: Outcome[] = [];
  for (const point of options.points) {
    try {
      outcomes.push({ point, measured: await measure(point, rig) });
      writeFileSync(file, `${JSON.stringify({ machine: machine(), outcomes }, null, 2)}\n`);
      console.log(`  ${point.name}`);
    } catch (error) {
      if (!(error instanceof BenchError)) throw error;
      console.log(`  ${point.name} failed: ${error.message}`);
    }
  }
  return outcomes;
}

async function main(): Promise<void> {
  if (process.platform !== 'linux') throw new BenchError('the bench needs Linux: epoll and /proc');
  const options = readOptions();
  if (options.points.length > 0) {
    mkdirSync(OUT, { recursive: true });
    console.log(`${machineRow()}\n`);
    const file = join(OUT, 'scale.json');
    const outcomes = await outcomesOf(options, file);
    console.log(`\n${measuredTable(outcomes)}\n\nmeasured → model\n\n${comparedTable(outcomes)}\n`);
    console.log(`All figures: ${file}\n`);
    const failed = outcomes.length < options.points.length;
    const missing = outcomes.some(({ measured }) => measured.missing > 0);
    if (failed || missing) process.exitCode = 1;
  }
  console.log(planTable());
}

await runBench(main);
