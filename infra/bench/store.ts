/**
 * `make bench-store`: what /register, /usage and saving usage rows cost, and how fast they go, on each engine that is a server.
 * Goals of speed are reported; a request that fails, or a wrong sum, makes the exit code 1.
 *
 *     node infra/bench/store.ts [--engine NAME]... [--seconds <measured, of each load>]
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Config } from '../../shared/config.ts';
import { createLogger } from '../../shared/logger.ts';
import type { StoreName } from '../../shared/store/engines.ts';
import { openStore } from '../../shared/store/open-store.ts';
import { EngineUnavailable } from '../local/engines/engine-host.ts';
import { SERVER_ENGINES } from '../local/engines/engines.ts';
import { cleanEnvironment } from '../local/environment.ts';
import { makeTestStore } from '../local/test-stores.ts';
import { BenchError, Child } from './child.ts';
import { productScript } from './programs.ts';
import { goalRow, machine, machineRow, OUT } from './report.ts';
import { withEngine } from './store/engine.ts';
import type { FlushFigure } from './store/flush.ts';
import { type HttpFigure, type HttpLoad, measureHttp } from './store/http.ts';
import {
  type EngineFigures,
  flushRow,
  goalsOf,
  httpRow,
  REGISTER,
  TABLE_HEAD,
  usageOf,
} from './store/report.ts';
import { fullRow, ROWS_PER_USER, usersWith } from './store/rows.ts';

const START_MS = 20_000;
const REPOSITORY = join(import.meta.dirname, '../..');
const USERS_REGISTERED = 1_000;
const OLDEST_LEFT_OUT = 10;

async function saveRows(config: Config): Promise<void> {
  const store = await openStore(config, createLogger('error', 'bench'));
  for (const count of ROWS_PER_USER) {
    for (const user of usersWith(count)) {
      const rows = Array.from({ length: count }, (_, back) => fullRow(user, back));
      const [refused] = await store.saveUsage(rows);
      if (refused !== undefined) throw new BenchError(`a row is refused: ${refused.error.message}`);
    }
  }
  await store.close();
}

function loads(): HttpLoad[] {
  const reads = ROWS_PER_USER.map((rows) => ({
    name: usageOf(rows),
    requests: usersWith(rows).map((user) => ({ method: 'GET' as const, path: `/usage/${user}` })),
  }));
  const registrations = Array.from({ length: USERS_REGISTERED }, (_, n) => ({
    method: 'POST' as const,
    path: '/register',
    body: `new-user-${n}`,
  }));
  return [...reads, { name: REGISTER, requests: registrations }];
}

/** @throws BenchError when /usage of a user does not tell the rows that were saved */
async function checkSums(origin: string): Promise<void> {
  for (const rows of ROWS_PER_USER) {
    const [user = ''] = usersWith(rows);
    const answer = await fetch(`${origin}/usage/${user}`);
    const { sessions } = (await answer.json()) as { sessions: Record<string, number> };
    const seconds = Number(sessions.zato01);
    // Of a whole day's rows the oldest have left the window, or count in proportion, since they were saved.
    const least = rows > 1_440 ? rows - OLDEST_LEFT_OUT : rows;
    if (!(seconds <= rows * 60 && seconds >= least * 60)) {
      throw new BenchError(`${user} has ${rows} full minutes and ${seconds} s of usage`);
    }
  }
}

async function httpFigures(env: NodeJS.ProcessEnv, seconds: number): Promise<HttpFigure[]> {
  const server = new Child(process.execPath, [productScript('functions/server.js')], { env });
  try {
    const { origin } = JSON.parse(await server.line(START_MS)) as { origin: string };
    await checkSums(origin);
    const figures: HttpFigure[] = [];
    for (const load of loads()) {
      const figure = await measureHttp(load, { origin, pid: server.pid }, seconds);
      console.log(httpRow(figure));
      figures.push(figure);
    }
    return figures;
  } finally {
    await server.stop();
  }
}

async function flushFigures(env: NodeJS.ProcessEnv, seconds: number): Promise<FlushFigure[]> {
  const figures: FlushFigure[] = [];
  for (const kind of ['growing', 'ended']) {
    const script = join(REPOSITORY, 'infra/bench/store/flush.ts');
    const child = new Child(process.execPath, [script, kind, seconds], { env });
    const figure = JSON.parse(await child.line(START_MS + seconds * 2_000)) as FlushFigure;
    console.log(flushRow(figure));
    figures.push(figure);
  }
  return figures;
}

async function benchEngine(engine: StoreName, seconds: number): Promise<EngineFigures> {
  const { config, environment, remove } = await makeTestStore(engine);
  try {
    await saveRows(config);
    console.log(`\n${engine}\n${TABLE_HEAD}`);
    const env = { ...process.env, ...environment, SERVER_PORT: '0', LOG_LEVEL: 'info' };
    const http = await httpFigures(env, seconds);
    return { engine, http, flush: await flushFigures(env, seconds) };
  } finally {
    await remove();
  }
}

function isServer(name: string): name is StoreName {
  return SERVER_ENGINES.has(name);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      engine: { type: 'string', multiple: true, default: [...SERVER_ENGINES.keys()] },
      seconds: { type: 'string', default: '10' },
    },
  });
  const seconds = Number(values.seconds);
  if (!(seconds >= 1)) throw new BenchError(`--seconds ${values.seconds} is no number of seconds`);
  console.log(machineRow());

  process.env = cleanEnvironment(process.env);
  const figures: EngineFigures[] = [];
  for (const engine of values.engine) {
    if (!isServer(engine))
      throw new BenchError(`${engine} is none of ${[...SERVER_ENGINES.keys()]}`);
    try {
      figures.push(await withEngine(engine, () => benchEngine(engine, seconds)));
    } catch (error) {
      if (!(error instanceof EngineUnavailable)) throw error;
      console.log(`\n${engine}: not measured, ${error.message}`);
    }
  }
  const goals = figures.flatMap(goalsOf);
  console.log(`\n${goals.map(goalRow).join('\n')}`);

  const file = join(OUT, 'store.json');
  mkdirSync(OUT, { recursive: true });
  writeFileSync(
    file,
    `${JSON.stringify({ machine: machine(), seconds, figures, goals }, null, 2)}\n`,
  );
  console.log(`\nall figures: ${file}`);
  if (goals.some(({ kind, held }) => kind === 'correctness' && !held)) process.exitCode = 1;
}

await main().catch((error: unknown) => {
  if (!(error instanceof BenchError)) throw error;
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
});
