/**
 * What a packet costs this edge node beside another version of it. Both of a pair run at the same time, each with a
 * source and users of its own, so that whatever else the machine does befalls both; the median of the pairs' ratios counts.
 *
 *     git worktree add ../before v1.0.0 && ln -s "$PWD/node_modules" ../before/node_modules
 *     node_modules/.bin/node infra/bench/micro/beside.ts ../before [USERS] [PAIRS]
 */
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError, Child, type Own, runBench, temporaryFolder, withChildren } from '../child.ts';
import { cpuSeconds, residentBytes } from '../proc.ts';
import { compilePrograms, type Programs, productScript } from '../programs.ts';
import { median } from '../report.ts';
import type { IntervalReport } from '../run.ts';
import { portFrom, registerUsers, startEdgeNode } from '../server.ts';

const PACKETS_PER_SECOND = 100;
const WARM_UP_MS = 15_000;
const MEASURED_MS = 40_000;
const START_MS = 90_000;

interface Rig {
  readonly programs: Programs;
  readonly folder: string;
  readonly users: number;
}

interface Version {
  readonly name: string;
  /** Node's arguments; left out, this checkout's. */
  readonly start?: readonly string[];
}

async function begin(rig: Rig, { name, start }: Version, own: Own) {
  const source = own(new Child(rig.programs.loadSource, [1, PACKETS_PER_SECOND]));
  const edge = await startEdgeNode(portFrom(await source.line(START_MS)), {
    dataFolder: rig.folder,
    logFile: join(rig.folder, `${name}.log`),
    settings: { USAGE_SPOOL_DIR: join(rig.folder, `spool-${name}`) },
    ...(start && { start }),
  });
  own(edge.child);
  const users = own(new Child(rig.programs.users, [edge.port, rig.users, 0, 1]));
  await users.line(START_MS);
  return { name, users, pid: edge.child.pid };
}

/** Microseconds of CPU a packet, of each version. */
function pair(rig: Rig, versions: readonly Version[]): Promise<number[]> {
  return withChildren(async (own) => {
    const nodes: Awaited<ReturnType<typeof begin>>[] = [];
    for (const version of versions) nodes.push(await begin(rig, version, own));
    await sleep(WARM_UP_MS);
    const before = nodes.map(({ pid }) => cpuSeconds(pid));
    for (const { users } of nodes) users.tell('start');
    await sleep(MEASURED_MS);
    const used = nodes.map(({ pid }, i) => cpuSeconds(pid) - (before[i] ?? 0));
    for (const { users } of nodes) users.tell('stop');
    const costs: number[] = [];
    for (const [i, { name, users, pid }] of nodes.entries()) {
      const report = JSON.parse(await users.line(START_MS)) as IntervalReport;
      const micros = ((used[i] ?? 0) * 1e6) / report.packets;
      costs.push(micros);
      console.log(
        `${name.padEnd(6)} ${micros.toFixed(2)} µs a packet, p99 ${report.p99Ms.toFixed(0)} ms, ${(residentBytes(pid) / 1e6).toFixed(0)} MB, ${report.missing} missing`,
      );
    }
    return costs;
  });
}

async function main(): Promise<void> {
  const [checkout, users = '1000', pairs = '4'] = process.argv.slice(2);
  if (checkout === undefined) throw new BenchError('usage: beside.ts CHECKOUT [USERS] [PAIRS]');
  const folder = temporaryFolder();
  const rig = { programs: compilePrograms(folder), folder, users: Number(users) };
  await registerUsers(folder, rig.users);
  const other = { name: 'other', start: [productScript('edge-node/main.js', resolve(checkout))] };
  const ratios: number[] = [];
  for (let i = 0; i < Number(pairs); i += 1) {
    const own = { name: 'this' };
    const isTurned = i % 2 === 1;
    const [first = 0, second = 0] = await pair(rig, isTurned ? [own, other] : [other, own]);
    ratios.push(isTurned ? first / second : second / first);
    console.log(`ratio  ${ratios.at(-1)?.toFixed(3)}`);
  }
  console.log(`median ${median(ratios).toFixed(3)} of ${ratios.length} pairs`);
}

await runBench(main);
