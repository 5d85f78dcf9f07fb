import { setTimeout as sleep } from 'node:timers/promises';
import { Child, withChildren } from './child.ts';
import { cpuSeconds, machineCpuSeconds, residentBytes } from './proc.ts';
import type { Programs } from './programs.ts';
import type { Scenario } from './scenarios.ts';
import { portFrom, type Server, type ServerCounts } from './server.ts';

const START_MS = 10_000;
const ALL_RECEIVE_MS = 90_000;
const SAMPLE_MS = 500;
const REPORT_MS = 30_000;

/** What users.c reports of the measured interval. */
export interface IntervalReport {
  readonly seconds: number;
  readonly packets: number;
  readonly bytes: number;
  readonly missing: number;
  readonly gaps: number;
  /** Of the user who received the fewest, and the most. */
  readonly leastPackets: number;
  readonly mostPackets: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** What users.c reports of its whole life. */
interface LifeReport {
  readonly packets: number;
  readonly bytes: number;
  readonly missing: number;
  readonly gaps: number;
  /** Users whose last packet is not the last of their channel. */
  readonly behind: number;
}

export interface RunResult {
  readonly server: Server['kind'];
  readonly interval: IntervalReport;
  /** CPU of the server process alone, in the interval. */
  readonly cpuSeconds: number;
  /** CPU that neither server, users, source nor bench used: what else the machine did. In cores. */
  readonly otherCores: number;
  /** Resident bytes of the server, every half second of the interval. */
  readonly residentBytes: readonly number[];
  /** Of a server that counts: what it and its users say of all packets, once all were delivered. */
  readonly account: (LifeReport & ServerCounts) | undefined;
}

interface CpuMark {
  readonly server: number;
  readonly machine: number;
  readonly bench: number;
}

/** One scenario on one server, from the start of all processes to their end. */
export function run(
  scenario: Scenario,
  programs: Programs,
  startServer: (sourcePort: number) => Promise<Server>,
): Promise<RunResult> {
  return withChildren(async (own) => {
    const { channels, packetsPerSecond, users: readers, stalledUsers, seconds } = scenario;
    const { sourceChannels = channels } = scenario;
    const overHttp = scenario.transport === 'http';
    const source = own(new Child(programs.loadSource, [sourceChannels, packetsPerSecond]));
    const server = await startServer(portFrom(await source.line(START_MS)));
    own(server.child);
    const users = own(
      new Child(programs.users, [
        overHttp ? (server.watchPort ?? 0) : server.port,
        readers,
        stalledUsers,
        channels,
        ...(overHttp ? ['http'] : []),
      ]),
    );
    await users.line(ALL_RECEIVE_MS);
    if (packetsPerSecond === 0) source.tell('flat out');
    await sleep(scenario.warmUpSeconds * 1000);

    const mark = (): CpuMark => ({
      server: cpuSeconds(server.child.pid),
      machine: machineCpuSeconds(),
      bench: [source, users].reduce((sum, child) => sum + cpuSeconds(child.pid), ownCpuSeconds()),
    });
    const before = mark();
    users.tell('start');
    const resident = await sampleResident(server.child.pid, seconds);
    users.tell('stop');
    const after = mark();
    const interval = JSON.parse(await users.line(REPORT_MS)) as IntervalReport;

    await source.stop();
    const account = server.counts && (await drain(users, server.counts));
    const serverCpu = after.server - before.server;
    const otherCpu = after.machine - before.machine - serverCpu - (after.bench - before.bench);
    return {
      server: server.kind,
      interval,
      account,
      cpuSeconds: serverCpu,
      otherCores: Math.max(0, otherCpu / interval.seconds),
      residentBytes: resident,
    };
  });
}

/** Without a source, all that the server holds reaches the users: only then can counts be compared. */
async function drain(users: Child, counts: () => Promise<ServerCounts>) {
  users.tell('end');
  const life = JSON.parse(await users.line(REPORT_MS)) as LifeReport;
  return { ...life, ...(await counts()) };
}

function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Resident bytes of a process every SAMPLE_MS for so long. */
export async function sampleResident(pid: number, seconds: number): Promise<number[]> {
  const samples = [residentBytes(pid)];
  const endMs = performance.now() + seconds * 1000;
  for (let leftMs = seconds * 1000; leftMs > 0; leftMs = endMs - performance.now()) {
    await sleep(Math.min(SAMPLE_MS, leftMs));
    samples.push(residentBytes(pid));
  }
  return samples;
}
