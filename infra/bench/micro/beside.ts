/**
 * What a packet costs this edge node beside another version of it. Both of a pair run at the same time, each with a
 * source and users of its own, so that whatever else the machine does befalls both; the median of the pairs' ratios counts.
 *
 *     git worktree add ../before v1.0.0 && ln -s "$PWD/node_modules" ../before/node_modules
 *     node_modules/.bin/node infra/bench/micro/beside.ts ../before [USERS] [PAIRS]
 */
import { join, resolve } from 'node:path';
import { BenchError, runBench, temporaryFolder } from '../child.ts';
import { compilePrograms, productScript } from '../programs.ts';
import { median, microsPerPacket, mostResidentMegabytes } from '../report.ts';
import { type RunResult, run } from '../run.ts';
import type { Scenario } from '../scenarios.ts';
import { registerUsers, startEdgeNode } from '../server.ts';

interface Version {
  readonly name: string;
  /** Node's arguments; left out, this checkout's. */
  readonly start?: readonly string[];
}

const scenario = (users: number): Scenario => ({
  name: 'beside',
  about: 'two versions at the same time',
  users,
  stalledUsers: 0,
  channels: 1,
  packetsPerSecond: 100,
  warmUpSeconds: 15,
  seconds: 40,
});

function describe({ name }: Version, result: RunResult): string {
  const { p99Ms, missing } = result.interval;
  return `${name.padEnd(6)} ${microsPerPacket(result).toFixed(2)} µs a packet, p99 ${p99Ms.toFixed(0)} ms, ${mostResidentMegabytes(result).toFixed(0)} MB, ${missing} missing`;
}

async function main(): Promise<void> {
  const [checkout, users = '1000', pairs = '4'] = process.argv.slice(2);
  if (checkout === undefined) throw new BenchError('usage: beside.ts CHECKOUT [USERS] [PAIRS]');
  const folder = temporaryFolder();
  const programs = compilePrograms(folder);
  await registerUsers(folder, Number(users));

  const cost = async (version: Version) => {
    const result = await run(scenario(Number(users)), programs, async (sourcePort) => {
      const { kind, child, port } = await startEdgeNode(sourcePort, {
        dataFolder: folder,
        logFile: join(folder, `${version.name}.log`),
        settings: { USAGE_SPOOL_DIR: join(folder, `spool-${version.name}`) },
        ...(version.start && { start: version.start }),
      });
      // Without what it counts: another version may name that otherwise.
      return { kind, child, port };
    });
    console.log(describe(version, result));
    return microsPerPacket(result);
  };
  const own = { name: 'this' };
  const other = { name: 'other', start: [productScript('edge-node/main.js', resolve(checkout))] };
  const ratios: number[] = [];
  for (let i = 0; i < Number(pairs); i += 1) {
    const [ours, theirs] = await Promise.all([cost(own), cost(other)]);
    ratios.push(ours / theirs);
    console.log(`ratio  ${ratios.at(-1)?.toFixed(3)}`);
  }
  console.log(`median ${median(ratios).toFixed(3)} of ${ratios.length} pairs`);
}

await runBench(main);
