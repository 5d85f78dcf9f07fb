import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NatsServers } from '../../local/nats/nats-servers.ts';
import { Child, withChildren } from '../child.ts';
import { cpuSeconds, machineCpuSeconds, residentBytesOfEach } from '../proc.ts';
import type { Programs } from '../programs.ts';
import { OUT } from '../report.ts';
import type { IntervalReport } from '../run.ts';
import {
  type EdgeNode,
  metric,
  portFrom,
  registerUsers,
  startEdgeNode,
  startNatsRelay,
  untilAllServe,
} from '../server.ts';
import type { Point } from './points.ts';

const WARM_UP_MS = 4_000;
const START_MS = 10_000;
const ALL_RECEIVE_MS = 60_000;
const REPORT_MS = 30_000;

/** CPU and memory of a program in the interval, whose processes may be several. */
interface Use {
  readonly cores: number;
  /** Of each process, at the end. */
  readonly megabytes: readonly number[];
}

export interface Measured {
  /** All nodes together. */
  readonly edge: Use;
  readonly relay: Use | undefined;
  readonly nats: Use | undefined;
  /** Payload delivered to all users, a second. */
  readonly gigabytesPerSecond: number;
  readonly missing: number;
  /** By how much runs had grown, on the first node. */
  readonly loadFactor: number;
  /** What nothing of the bench used. */
  readonly otherCores: number;
}

export interface Rig {
  readonly programs: Programs;
  /** The program of a NATS server; undefined where no point needs one. */
  readonly nats: string | undefined;
  /** Where each node has a folder of its own. */
  readonly dataFolder: string;
  readonly seconds: number;
}

/** Each node has a store of its own, so that the users of one may bear the names of another's. */
export async function prepareStores(dataFolder: string, nodes: number, users: number) {
  for (let node = 0; node < nodes; node += 1) {
    const folder = join(dataFolder, String(node));
    mkdirSync(folder);
    await registerUsers(folder, users);
  }
}

async function startNode(
  point: Point,
  node: number,
  sourcePort: number,
  natsUrls: string | undefined,
  dataFolder: string,
): Promise<EdgeNode> {
  const edge = await startEdgeNode(sourcePort, {
    dataFolder: join(dataFolder, String(node)),
    logFile: join(OUT, `scale.edge-node-${node}.log`),
    settings: {
      EDGE_WORKERS: String(point.workers),
      ...(natsUrls !== undefined && { CHANNEL_FEED: 'nats', NATS_URL: natsUrls }),
    },
  });
  await untilAllServe(edge.admin, point.workers);
  return edge;
}

function coresOf(pids: readonly number[]): () => number {
  const cpu = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const before = cpu();
  const beganMs = performance.now();
  return () => ((cpu() - before) * 1000) / (performance.now() - beganMs);
}

/** Begins to measure processes; the function that it returns says what they used since. */
function useOf(pids: readonly number[]): () => Use {
  const cores = coresOf(pids);
  return () => ({
    cores: cores(),
    megabytes: pids.flatMap(residentBytesOfEach).map((bytes) => bytes / 1e6),
  });
}

function coresOfMachine(): () => number {
  const before = machineCpuSeconds();
  const beganMs = performance.now();
  return () => ((machineCpuSeconds() - before) * 1000) / (performance.now() - beganMs);
}

async function measureRunning(
  servers: { edges: readonly EdgeNode[]; relay: Child | undefined; nats: NatsServers | undefined },
  load: { source: Child; crowds: readonly Child[] },
  seconds: number,
): Promise<Measured> {
  const { edges, relay, nats } = servers;
  const { source, crowds } = load;
  const edgeUse = useOf(edges.map(({ child }) => child.pid));
  const relayUse = relay && useOf([relay.pid]);
  const natsUse = nats && useOf(nats.servers.flatMap(({ pid }) => pid ?? []));
  const loadCores = coresOf([source.pid, ...crowds.map(({ pid }) => pid)]);
  const machineCores = coresOfMachine();
  for (const crowd of crowds) crowd.tell('start');
  await sleep(seconds * 1000);
  for (const crowd of crowds) crowd.tell('stop');
  const [edge, ofRelay, ofNats] = [edgeUse(), relayUse?.(), natsUse?.()];
  const ownCores = [edge, ofRelay, ofNats].reduce((sum, use) => sum + (use?.cores ?? 0), 0);
  const otherCores = Math.max(0, machineCores() - loadCores() - ownCores);
  const reports: IntervalReport[] = [];
  for (const crowd of crowds) {
    reports.push(JSON.parse(await crowd.line(REPORT_MS)) as IntervalReport);
  }
  const [first] = edges;
  return {
    edge,
    relay: ofRelay,
    nats: ofNats,
    gigabytesPerSecond: reports.reduce((sum, { bytes, seconds: s }) => sum + bytes / s / 1e9, 0),
    missing: reports.reduce((sum, { missing }) => sum + missing, 0),
    loadFactor: first ? await metric(first.admin, 'streaming_load_factor') : Number.NaN,
    otherCores,
  };
}

/** One point, from the start of all processes to their end. */
export async function measure(point: Point, rig: Rig): Promise<Measured> {
  const { programs, dataFolder, seconds } = rig;
  const nats =
    point.feed === 'nats' && rig.nats !== undefined ? await NatsServers.start(rig.nats) : undefined;
  try {
    return await withChildren(async (own) => {
      const source = own(
        new Child(programs.loadSource, [point.sourceChannels, point.packetsPerSecond]),
      );
      const sourcePort = portFrom(await source.line(START_MS));
      const relay =
        nats && own(startNatsRelay(sourcePort, nats.urls, join(OUT, 'scale.relay.log')));
      const edges: EdgeNode[] = [];
      for (let node = 0; node < point.nodes; node += 1) {
        const edge = await startNode(point, node, sourcePort, nats?.urls, dataFolder);
        own(edge.child);
        edges.push(edge);
      }
      const crowds = edges.map(({ port }) =>
        own(new Child(programs.users, [port, point.usersOfNode, 0, point.channels])),
      );
      for (const crowd of crowds) await crowd.line(ALL_RECEIVE_MS);
      await sleep(WARM_UP_MS);
      return measureRunning({ edges, relay, nats }, { source, crowds }, seconds);
    });
  } finally {
    await nats?.stop();
  }
}
