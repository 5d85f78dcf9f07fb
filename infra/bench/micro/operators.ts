/**
 * What it costs that operators look on: the CPU of an edge node with so many users, with nobody looking on, with one and
 * with four, in turn. Users wait for a channel, so that nothing else takes time.
 *
 *     node_modules/.bin/node infra/bench/micro/operators.ts 5000
 */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runBench, temporaryFolder } from '../child.ts';
import { cpuSeconds } from '../proc.ts';
import { metric, registerUsers, startEdgeNode } from '../server.ts';

const SECONDS = 8;
const ROUNDS = 3;
const SETTLE_MS = 1_500;
const AT_ONCE = 250;
/** The page as it opens, and one far down in a list in which all is searched. */
const QUERIES = ['', 'users=bench&usersBy=-connectedSeconds&usersFrom=4000&usersRows=100'];

/** The first refuses: nobody plays there. */
const NO_SOURCE_PORT = 1;

async function lookOn(admin: string, query: string): Promise<() => void> {
  const request = get(`${admin}/events?${query}`, { agent: false });
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  answer.resume();
  return () => void request.on('error', () => {}).destroy();
}

async function main(): Promise<void> {
  const users = Number(process.argv[2] ?? 5_000);
  const folder = temporaryFolder();
  await registerUsers(folder, users);
  const edge = await startEdgeNode(NO_SOURCE_PORT, {
    dataFolder: folder,
    logFile: join(folder, 'edge.log'),
    settings: { LOG_LEVEL: 'error' },
  });
  for (let i = 0; i < users; i += 1) {
    connect(edge.port, '127.0.0.1').resume().write(`bench-${i} none\n`);
    if (i % AT_ONCE === 0) await sleep(100);
  }
  while ((await metric(edge.admin, 'streaming_users')) < users) await sleep(200);
  const share = async (): Promise<number> => {
    await sleep(SETTLE_MS);
    const before = cpuSeconds(edge.child.pid);
    await sleep(SECONDS * 1000);
    return (cpuSeconds(edge.child.pid) - before) / SECONDS;
  };
  console.log(`${users} users; per cent of a core: nobody, one, four, four who search far down`);
  for (let round = 0; round < ROUNDS; round += 1) {
    const shares = [await share()];
    for (const queries of [QUERIES.slice(0, 1), Array(4).fill(''), Array(4).fill(QUERIES[1])]) {
      const leave = await Promise.all(queries.map((query: string) => lookOn(edge.admin, query)));
      shares.push(await share());
      for (const go of leave) go();
    }
    console.log(shares.map((each) => (100 * each).toFixed(1).padStart(6)).join(''));
  }
  await edge.child.stop();
  process.exit();
}

await runBench(main);
