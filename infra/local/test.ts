import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STORE_NAMES } from '../../shared/store/engines.ts';
import { EngineUnavailable } from './engines/engine-host.ts';
import { SERVER_ENGINES, serverEngine, startEngine } from './engines/engines.ts';
import type { LocalEngine } from './engines/local-engine.ts';
import { prepareRuntime } from './engines/runtime.ts';
import { assertLoopback, cleanEnvironment } from './environment.ts';
import { prepareLambdaRuntime } from './lambda-runtime.ts';
import { prepareNats } from './nats/nats-program.ts';
import { closingLine, countTests, type TestCounts } from './test-counts.ts';

/**
 * `npm test`: fetches the engines where they lack, starts them, runs vitest on the whole repository, and ends them.
 * Further arguments go to vitest: `npm test -- shared/store`.
 *   STORES=sqlite               leaves the engines out; else a comma list of stores
 *   TEST_CASSANDRA_NODE=…       takes an engine of this machine that runs already; test-stores.ts says more
 *   TEST_DYNAMODB_ENDPOINT=…
 *   CI=true                     an engine that could not be tested is a failure
 */

const VITEST = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs');

/** @throws RangeError when STORES names what there is not */
function storesToTest(): ReadonlySet<string> {
  const known: readonly string[] = STORE_NAMES;
  const named = (process.env.STORES || known.join()).split(',').map((name) => name.trim());
  const unknown = named.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new RangeError(`STORES takes ${known}, not ${unknown}`);
  return new Set(named);
}

/** The engines of one test run, and what vitest is told of them. */
class TestRun {
  readonly environment = cleanEnvironment(process.env);
  /** One entry for each engine that is not tested, with the reason. */
  readonly untested: string[] = [];
  /** Some engine was to be tested and could not be. */
  isIncomplete = false;
  readonly #running: LocalEngine[] = [];

  /** @throws RangeError when an engine is to be taken that is not on this machine */
  async bringUp(): Promise<void> {
    const wanted = storesToTest();
    const toStart: string[] = [];
    for (const [name, { source, testVariable: variable }] of SERVER_ENGINES) {
      const given = this.environment[variable];
      delete this.environment[variable];
      if (!wanted.has(name)) this.untested.push(`${name} (left out by STORES)`);
      else if (given) this.environment[variable] = assertLoopback(given);
      else if (await this.#attempt(name, () => prepareRuntime(source, console.log))) {
        toStart.push(name);
      }
    }
    await Promise.all(toStart.map((name) => this.#attempt(name, () => this.#start(name))));
  }

  /** Where the runtime client of Lambda cannot be built, `make test-containers` tests it in its image. */
  async prepareLambda(): Promise<void> {
    try {
      this.environment.TEST_LAMBDA_RUNTIME = await prepareLambdaRuntime(console.log);
    } catch (error) {
      if (!(error instanceof EngineUnavailable)) throw error;
      this.untested.push(`lambda's runtime client (${error.message})`);
    }
  }

  async prepareNats(): Promise<void> {
    await this.#attempt('nats', async () => {
      this.environment.TEST_NATS_SERVER ||= await prepareNats(console.log);
    });
  }

  async takeDown(): Promise<void> {
    await Promise.all(this.#running.map((engine) => engine.stop()));
  }

  async #start(name: string): Promise<void> {
    const { testVariable, endpoint } = serverEngine(name);
    const engine = await startEngine(name);
    this.#running.push(engine);
    this.environment[testVariable] = endpoint(engine.port);
    console.log(`${name}: serves on port ${engine.port}`);
  }

  async #attempt(name: string, step: () => Promise<unknown>): Promise<boolean> {
    try {
      await step();
      return true;
    } catch (error) {
      this.untested.push(`${name} (${error instanceof EngineUnavailable ? error.message : error})`);
      this.isIncomplete = true;
      return false;
    }
  }
}

/** @returns vitest's exit code and what its report counts */
async function runVitest(
  env: Readonly<Record<string, string | undefined>>,
  stop: AbortSignal,
): Promise<{ readonly code: number; readonly counts: TestCounts }> {
  const folder = await mkdtemp(join(tmpdir(), 'test-report-'));
  try {
    const file = join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const args = [VITEST, 'run', ...reporters, ...process.argv.slice(2)];
    const child = spawn(process.execPath, args, { stdio: 'inherit', env });
    stop.addEventListener('abort', () => child.kill('SIGTERM'));
    const [code] = (await once(child, 'exit')) as [number | null];
    return { code: code ?? 1, counts: await countTests(file) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  const run = new TestRun();
  try {
    await run.prepareLambda();
    await run.prepareNats();
    await run.bringUp();
    const ran = stop.signal.aborted ? undefined : await runVitest(run.environment, stop.signal);
    // A signal may have come while they ran.
    const done = stop.signal.aborted ? undefined : ran;
    process.exitCode = run.isIncomplete && process.env.CI === 'true' ? 1 : (done?.code ?? 1);
    if (run.untested.length > 0) console.log(`not tested: ${run.untested.join('; ')}`);
    console.log(closingLine(done?.counts));
  } finally {
    await run.takeDown();
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof RangeError ? error.message : error);
  process.exitCode = 1;
}
