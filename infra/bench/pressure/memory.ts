import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodePacket } from '../../../edge-node/source/packet.ts';
import { atMost, type Goal } from '../report.ts';
import { sampleResident } from '../run.ts';
import { metric } from '../server.ts';
import { type Bench, Rig } from './rig.ts';

const MIB = 1024 ** 2;
const LOG_MIB = 16;
const NEVER_READING = 500;
const LARGE_EVERY_MS = 50;
const LARGE_SECONDS = 15;

const MANY = 10_000;
const MANY_STEP = 500;
/** Few, so that it is memory and not a core that is full. */
const MANY_PACKETS_PER_SECOND = 5;
const MANY_SECONDS = 10;

/** A channel source whose every payload is 1 MiB. */
async function largeSource() {
  const payload = Buffer.alloc(MIB, 'large');
  let sequence = 0n;
  const server = createServer((socket) => {
    const sending = setInterval(() => {
      socket.write(encodePacket('bnc000', sequence, payload));
      sequence += 1n;
    }, LARGE_EVERY_MS);
    socket.on('error', () => {});
    socket.on('close', () => clearInterval(sending));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** Users who never read, of a channel whose payloads are large. */
export async function neverReading(bench: Bench): Promise<Goal[]> {
  const source = await largeSource();
  try {
    return await Rig.with(bench, async (rig): Promise<Goal[]> => {
      const settings = { EDGE_LOG_BYTES: `${LOG_MIB}MiB`, CHANNEL_LOG_BYTES: `${LOG_MIB / 2}MiB` };
      const edge = await rig.edgeNodeAt('never-reading', source.port, settings);
      rig.users(edge, 0, NEVER_READING);
      let [external, log, users] = [0, 0, 0];
      for (let second = 0; second < LARGE_SECONDS; second += 0.5) {
        await sleep(500);
        external = Math.max(external, await metric(edge.admin, 'nodejs_external_memory_bytes'));
        log = Math.max(log, await metric(edge.admin, 'streaming_log_bytes'));
        users = Math.max(users, await metric(edge.admin, 'streaming_users'));
      }
      console.log(
        `  ${users} users at once, streaming_log_bytes at most ${(log / MIB).toFixed(1)} MiB`,
      );
      const goal = `${NEVER_READING} users who never read, payloads of 1 MiB, EDGE_LOG_BYTES=${LOG_MIB}MiB: external memory at most twice that`;
      return [atMost(goal, external / MIB, 2 * LOG_MIB, 'MiB', 1)];
    });
  } finally {
    source.server.close();
  }
}

/** As many as a node is to hold in little memory. */
export function manyUsers(bench: Bench): Promise<Goal[]> {
  return Rig.with(bench, async (rig) => {
    const edge = await rig.edgeNode('many-users', MANY_PACKETS_PER_SECOND);
    const crowd = rig.crowd(edge, MANY);
    let users = 0;
    for (let came = 0; came < MANY; came += MANY_STEP) users += (await crowd.come(MANY_STEP)).in;
    const resident = await sampleResident(edge.child.pid, MANY_SECONDS);
    const { missing } = await crowd.stop();
    const most = Math.max(...resident) / 1e6;
    return [
      {
        kind: 'correctness',
        goal: `${MANY} users on one node: none misses a packet`,
        measured: `${missing} missing of ${users} users`,
        held: missing === 0,
      },
      {
        kind: 'speed',
        goal: `${MANY} users on one node: at most 300 MB`,
        measured: `${most.toFixed(0)} MB with ${users} users`,
        held: users === MANY && most <= 300,
      },
    ];
  });
}
