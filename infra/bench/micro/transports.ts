/**
 * What a packet costs the edge node by each transport, beside the line of 9111: HTTP, and TLS. Both of a pair run at the
 * same time of the same machine, in turn, with the same clients; the median of the pairs' ratios counts. The calls of
 * write tell whether the one was given larger runs than the other, as a busier machine does.
 *
 *     node_modules/.bin/node infra/bench/micro/transports.ts http|tls [USERS] [PAIRS]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { selfSigned } from '../../../shared/testing/self-signed.ts';
import { BenchError, Child, runBench, temporaryFolder, withChildren } from '../child.ts';
import { cpuSeconds } from '../proc.ts';
import { compilePrograms, type Programs } from '../programs.ts';
import { median } from '../report.ts';
import { portFrom, registerUsers, startEdgeNode } from '../server.ts';

const PACKETS_PER_SECOND = 100;
const PAYLOAD_BYTES = 1316;
const WARM_UP_MS = 4_000;
const MEASURED_MS = 8_000;
const START_MS = 30_000;

type Transport = 'line' | 'http' | 'tls';

interface Rig {
  readonly programs: Programs;
  readonly folder: string;
  readonly users: number;
  /** What the line is compared with. */
  readonly other: Transport;
}

interface Cost {
  readonly microsPerPacket: number;
  readonly packetsPerWrite: number;
}

/** Calls of write and writev by a process, to files too. */
function writesOf(pid: number): number {
  return Number(/^syscw: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1]);
}

function certificate(folder: string): NodeJS.ProcessEnv {
  const pair = selfSigned();
  const STREAM_TLS_CERT = join(folder, 'cert.pem');
  const STREAM_TLS_KEY = join(folder, 'key.pem');
  writeFileSync(STREAM_TLS_CERT, pair.cert);
  writeFileSync(STREAM_TLS_KEY, pair.key, { mode: 0o600 });
  return { STREAM_TLS_CERT, STREAM_TLS_KEY };
}

function cost({ programs, folder, users, other }: Rig, transport: Transport): Promise<Cost> {
  return withChildren(async (own) => {
    const source = own(new Child(programs.loadSource, [1, PACKETS_PER_SECOND]));
    const edge = await startEdgeNode(portFrom(await source.line(START_MS)), {
      dataFolder: folder,
      logFile: join(folder, 'edge-node.log'),
      settings: transport === 'tls' ? certificate(folder) : {},
    });
    own(edge.child);
    const port = transport === 'http' ? (edge.watchPort ?? 0) : edge.port;
    const readers = join(import.meta.dirname, 'readers.ts');
    const clients = own(
      other === 'tls'
        ? new Child(process.execPath, [readers, port, users, transport])
        : new Child(programs.users, [port, users, 0, 1, ...(transport === 'http' ? ['http'] : [])]),
    );
    await clients.line(START_MS);
    await sleep(WARM_UP_MS);
    const { pid } = edge.child;
    const before = { cpu: cpuSeconds(pid), writes: writesOf(pid) };
    clients.tell('start');
    await sleep(MEASURED_MS);
    clients.tell('stop');
    const used = cpuSeconds(pid) - before.cpu;
    const writes = writesOf(pid) - before.writes;
    const { bytes } = JSON.parse(await clients.line(START_MS)) as { bytes: number };
    const packets = bytes / PAYLOAD_BYTES;
    return { microsPerPacket: (used * 1e6) / packets, packetsPerWrite: packets / writes };
  });
}

function shown(transport: Transport, { microsPerPacket, packetsPerWrite }: Cost): string {
  return `${transport} ${microsPerPacket.toFixed(2)} µs a packet, ${packetsPerWrite.toFixed(1)} packets a write`;
}

await runBench(async () => {
  const [other, users = '300', pairs = '4'] = process.argv.slice(2);
  if (other !== 'http' && other !== 'tls') throw new BenchError('say http or tls');
  const folder = temporaryFolder();
  const rig = { programs: compilePrograms(folder), folder, users: Number(users), other } as const;
  await registerUsers(folder, rig.users);
  const ratios: number[] = [];
  for (let pair = 0; pair < Number(pairs); pair += 1) {
    const order: Transport[] = pair % 2 === 0 ? ['line', other] : [other, 'line'];
    const costs = new Map<Transport, Cost>();
    for (const transport of order) {
      const measured = await cost(rig, transport);
      costs.set(transport, measured);
      console.log(shown(transport, measured));
    }
    const [line, by] = [costs.get('line'), costs.get(other)];
    if (line && by) ratios.push(by.microsPerPacket / line.microsPerPacket);
  }
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
  console.log(
    `${other}: ${median(ratios).toFixed(2)} of the line's CPU a packet (${least.toFixed(2)} to ${most.toFixed(2)})`,
  );
});
