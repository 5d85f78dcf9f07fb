/**
 * `node infra/bench/fleet/fleet.ts [--runs 3]`: an edge node that takes its channels from a relay by NATS, beside one that
 * takes them from the source, in turn. Nothing is a goal here but that no user misses a packet.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareNats } from '../../local/nats/nats-program.ts';
import { NatsServers } from '../../local/nats/nats-servers.ts';
import { BenchError, type Child, runBench, temporaryFolder } from '../child.ts';
import { cpuSeconds } from '../proc.ts';
import { compilePrograms, type Programs } from '../programs.ts';
import { microsPerPacket, OUT } from '../report.ts';
import { type RunResult, run } from '../run.ts';
import type { Scenario } from '../scenarios.ts';
import { type EdgeNode, metric, registerUsers, startEdgeNode, startNatsRelay } from '../server.ts';

const PACED = { stalledUsers: 0, packetsPerSecond: 100, warmUpSeconds: 8, seconds: 15 };

const SCENARIOS: readonly Scenario[] = [
  {
    ...PACED,
    name: 'feed-1000',
    about: '1000 users of one channel, 100 packets/s',
    users: 1000,
    channels: 1,
  },
  {
    ...PACED,
    name: 'feed-3-of-1000',
    about: '300 users on 3 of 1000 channels, 10 packets/s each',
    users: 300,
    channels: 3,
    sourceChannels: 1000,
    packetsPerSecond: 10,
  },
];

interface Figures {
  readonly result: RunResult;
  /** What the edge node took in, a second. */
  readonly bytesPerSecond: number;
  /** CPU of the relay in the whole run. */
  readonly relayCpuSeconds: number;
}

class FleetBench {
  readonly #programs: Programs;
  readonly #nats: string;
  readonly #dataFolder: string;

  constructor(programs: Programs, nats: string, dataFolder: string) {
    this.#programs = programs;
    this.#nats = nats;
    this.#dataFolder = dataFolder;
  }

  async tcp(scenario: Scenario): Promise<Figures> {
    return this.#measure(scenario, (port) => this.#edge(port, {}));
  }

  async nats(scenario: Scenario): Promise<Figures> {
    const nats = await NatsServers.start(this.#nats);
    let relay: Child | undefined;
    try {
      const figures = await this.#measure(scenario, async (port) => {
        relay = startNatsRelay(port, nats.urls, join(OUT, 'fleet.relay.log'));
        return this.#edge(port, { NATS_URL: nats.urls, CHANNEL_FEED: 'nats' });
      });
      return { ...figures, relayCpuSeconds: relay === undefined ? 0 : cpuSeconds(relay.pid) };
    } finally {
      await relay?.stop();
      await nats.stop();
    }
  }

  #edge(sourcePort: number, settings: NodeJS.ProcessEnv): Promise<EdgeNode> {
    const logFile = join(OUT, 'fleet.edge-node.log');
    return startEdgeNode(sourcePort, { dataFolder: this.#dataFolder, logFile, settings });
  }

  async #measure(
    scenario: Scenario,
    start: (sourcePort: number) => Promise<EdgeNode>,
  ): Promise<Figures> {
    let bytesPerSecond = 0;
    const result = await run(scenario, this.#programs, async (port) => {
      const edge = await start(port);
      const beganMs = performance.now();
      const counts = async () => {
        const bytes = await metric(edge.admin, 'streaming_source_bytes_total');
        bytesPerSecond = (bytes * 1000) / (performance.now() - beganMs);
        return (await edge.counts?.()) ?? { skipped: 0, lost: 0 };
      };
      return { ...edge, counts };
    });
    return { result, bytesPerSecond, relayCpuSeconds: 0 };
  }
}

function row(feed: string, { result, bytesPerSecond, relayCpuSeconds }: Figures): string {
  const { interval, account, otherCores } = result;
  const cells = [
    feed.padEnd(5),
    `${microsPerPacket(result).toFixed(3)} µs CPU/packet`,
    `p50 ${interval.p50Ms.toFixed(1)} ms`,
    `p99 ${interval.p99Ms.toFixed(1)} ms`,
    `missing ${account?.missing ?? interval.missing}`,
    `takes in ${(bytesPerSecond / 1e6).toFixed(2)} MB/s`,
    `relay ${relayCpuSeconds.toFixed(1)} s`,
    `others ${otherCores.toFixed(2)}`,
  ];
  return `  ${cells.join('   ')}`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { runs: { type: 'string', default: '3' } } });
  mkdirSync(OUT, { recursive: true });
  const programs = compilePrograms(OUT);
  const dataFolder = temporaryFolder();
  await registerUsers(dataFolder, 1000);
  const bench = new FleetBench(programs, await prepareNats(console.log), dataFolder);
  for (const scenario of SCENARIOS) {
    console.log(`${scenario.name}: ${scenario.about}`);
    for (let i = 0; i < Number(values.runs); i += 1) {
      for (const feed of ['tcp', 'nats'] as const) {
        const figures = await bench[feed](scenario);
        console.log(row(feed, figures));
        if (figures.result.account?.missing !== 0) throw new BenchError('users miss packets');
      }
    }
  }
}

await runBench(main);
