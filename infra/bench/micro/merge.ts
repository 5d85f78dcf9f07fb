/**
 * What merging costs and what it gains: 100 users of a channel of 100 packets/s, from one source or from two, without
 * losses, with 1 % lost by each on its own, and with one that breaks off every 5 s for half a second besides. Prints the
 * delays from the source to users, the packets that users miss, and the CPU of the edge node.
 *
 *     node_modules/.bin/node infra/bench/micro/merge.ts
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child, runBench, temporaryFolder, withChildren } from '../child.ts';
import { cpuSeconds } from '../proc.ts';
import { compilePrograms, type Programs } from '../programs.ts';
import type { IntervalReport } from '../run.ts';
import { portFrom, registerUsers, startEdgeNode } from '../server.ts';

const USERS = 100;
const PACKETS_PER_SECOND = 100;
const WARM_UP_MS = 4_000;
const SECONDS = 20;
const START_MS = 10_000;

interface Source {
  readonly lostPerMille: number;
  readonly lifeSeconds: number;
}

const WHOLE: Source = { lostPerMille: 0, lifeSeconds: 0 };
const LOSSY: Source = { lostPerMille: 10, lifeSeconds: 0 };
const FLAPPING: Source = { lostPerMille: 10, lifeSeconds: 5 };

const CASES: readonly (readonly [string, readonly Source[]])[] = [
  ['one source', [WHOLE]],
  ['two sources', [WHOLE, WHOLE]],
  ['one source, 1 % lost', [LOSSY]],
  ['two sources, 1 % lost by each', [LOSSY, LOSSY]],
  ['two sources, 1 % lost by each, one breaks off every 5 s', [LOSSY, FLAPPING]],
];

function measure(programs: Programs, folder: string, sources: readonly Source[]) {
  return withChildren(async (own) => {
    const ports: number[] = [];
    for (const { lostPerMille, lifeSeconds } of sources) {
      const args = [1, PACKETS_PER_SECOND, lostPerMille, lifeSeconds];
      ports.push(portFrom(await own(new Child(programs.loadSource, args)).line(START_MS)));
    }
    const [port = 0] = ports;
    const edge = await startEdgeNode(port, {
      dataFolder: folder,
      logFile: join(folder, 'edge-node.log'),
      settings: { CHANNEL_SOURCE_HOST: ports.map((each) => `127.0.0.1:${each}`).join() },
    });
    own(edge.child);
    const users = own(new Child(programs.users, [edge.port, USERS, 0, 1]));
    await users.line(START_MS);
    await sleep(WARM_UP_MS);
    const before = cpuSeconds(edge.child.pid);
    users.tell('start');
    await sleep(SECONDS * 1000);
    users.tell('stop');
    const cores = (cpuSeconds(edge.child.pid) - before) / SECONDS;
    return { cores, ...(JSON.parse(await users.line(START_MS)) as IntervalReport) };
  });
}

await runBench(async () => {
  const folder = temporaryFolder();
  const programs = compilePrograms(folder);
  await registerUsers(folder, USERS);
  for (const [name, sources] of CASES) {
    const { p50Ms, p99Ms, maxMs, missing, packets, cores } = await measure(
      programs,
      folder,
      sources,
    );
    console.log(
      `${name}: p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, at most ${maxMs.toFixed(0)} ms, ` +
        `${missing} of ${packets + missing} packets missing, ${(cores * 100).toFixed(1)} % of a core`,
    );
  }
});
