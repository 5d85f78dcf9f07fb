/**
 * What the gateway costs: channels of 4 Mbit/s over UDP from one process, through the gateway, to an edge node that reads
 * all of it. Prints the CPU of the gateway alone.
 *
 *     node_modules/.bin/node infra/bench/micro/gateway.ts 1 10 100
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { kernelDrops } from '../../../edge-node/gateway/admin/kernel-drops.ts';
import { TestStream } from '../../../edge-node/gateway/testing/test-stream.ts';
import { runBench } from '../child.ts';
import { cpuSeconds } from '../proc.ts';
import { startGateway } from '../server.ts';

const SECONDS = 10;
const FIRST_PORT = 22_000;
/** Seven TS packets of 188 bytes at this rate are 4 Mbit/s. */
const DATAGRAMS_PER_SECOND = 380;
const DATAGRAMS_PER_PCR = 15;
const DATAGRAM_BYTES = 7 * 188;

/** Sends every channel the same stream at its pace. Resolves with the datagrams sent to each. */
async function send(socket: Socket, channels: number): Promise<number> {
  const pcrEveryMs = (DATAGRAMS_PER_PCR * 1000) / DATAGRAMS_PER_SECOND;
  const stream = new TestStream({ packets: 7 * DATAGRAMS_PER_PCR, pcrEveryMs });
  const toAll = (bytes: Buffer) => {
    for (let channel = 0; channel < channels; channel += 1) {
      socket.send(bytes, FIRST_PORT + channel, '127.0.0.1');
    }
  };
  toAll(stream.tables());
  const beganMs = performance.now();
  let unit = stream.unit();
  let sent = 0;
  for (let passedMs = 0; passedMs < SECONDS * 1000; passedMs = performance.now() - beganMs) {
    for (const due = (passedMs * DATAGRAMS_PER_SECOND) / 1000; sent < due; sent += 1) {
      const at = (sent % DATAGRAMS_PER_PCR) * DATAGRAM_BYTES;
      if (at === 0 && sent > 0) unit = stream.unit();
      toAll(unit.subarray(at, at + DATAGRAM_BYTES));
    }
    await sleep(2);
  }
  return sent;
}

async function measure(channels: number): Promise<void> {
  const ports = Array.from({ length: channels }, (_, index) => FIRST_PORT + index);
  const gateway = await startGateway(ports.map((port, i) => `c${i}=udp://127.0.0.1:${port}`));
  const { pid } = gateway.child;
  const reader = new Worker(new URL(import.meta.url), { workerData: gateway.port });
  await once(reader, 'message');
  const before = cpuSeconds(pid);
  const socket = createSocket('udp4');
  const sent = await send(socket, channels);
  await sleep(500);
  const cores = (cpuSeconds(pid) - before) / SECONDS;
  const micros = (cores * SECONDS * 1e6) / (sent * channels);
  console.log(
    `${channels} channels: ${cores.toFixed(2)} cores, ${((cores * 100) / channels).toFixed(2)} % of a core each, ` +
      `${micros.toFixed(1)} µs a datagram, ${kernelDrops(new Set(ports))} dropped by the kernel`,
  );
  socket.close();
  await reader.terminate();
  await gateway.child.stop();
}

if (isMainThread) {
  const counts = process.argv.slice(2).map(Number);
  await runBench(async () => {
    for (const channels of counts.length > 0 ? counts : [1, 10, 100]) await measure(channels);
  });
} else {
  const edge = connect(workerData as number, '127.0.0.1');
  edge.on('connect', () => parentPort?.postMessage('connected'));
  edge.resume();
}
