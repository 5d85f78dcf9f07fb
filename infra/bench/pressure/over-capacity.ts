import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../child.ts';
import { cpuSeconds } from '../proc.ts';
import { atMost, type Goal } from '../report.ts';
import type { EdgeNode } from '../server.ts';
import type { Coming, Crowd, Interval } from './crowd.ts';
import { slowestHealthMs } from './health.ts';
import { type Bench, Rig } from './rig.ts';

/** So many packets that a core is full before the open files are used up. */
const PACKETS_PER_SECOND = 400;
const STEP_USERS = 500;
/** Longer than what the edge node measures looks back. */
const STEP_MS = 1_000;
const MOST_USERS = 15_000;
const OFFERED_OVER = 0.5;
const HOLD_MS = 5_000;

/** What a crowd found that came in steps until some were refused. */
interface Capacity {
  readonly users: number;
  readonly resets: number;
  /** p99 of the first bytes of the last users who came in. */
  readonly firstByteMs: number;
}

async function findCapacity(crowd: Crowd): Promise<Capacity> {
  let [users, resets, firstByteMs] = [0, 0, 0];
  while (users * (1 + OFFERED_OVER) + STEP_USERS <= MOST_USERS) {
    const step = await crowd.come(STEP_USERS);
    users += step.in;
    resets += step.reset;
    if (step.in > 0) firstByteMs = step.p99Ms;
    if (step.refused > 0) return { users, resets, firstByteMs };
    await sleep(STEP_MS);
  }
  throw new BenchError(
    `no user of ${users} was refused: this machine carries more than it may open`,
  );
}

async function measure(edge: EdgeNode, crowd: Crowd) {
  const capacity = await findCapacity(crowd);
  const over: { coming?: Coming; interval?: Interval } = {};
  const healthMs = await slowestHealthMs(edge.admin, async () => {
    await crowd.start();
    over.coming = await crowd.come(Math.ceil(capacity.users * OFFERED_OVER));
    const before = { edge: cpuSeconds(edge.child.pid), users: crowd.cpuSeconds };
    await sleep(HOLD_MS);
    over.interval = await crowd.stop();
    const cores = (seconds: number) => ((seconds * 1000) / HOLD_MS).toFixed(2);
    console.log(
      `  cores: edge node ${cores(cpuSeconds(edge.child.pid) - before.edge)}, users ${cores(crowd.cpuSeconds - before.users)}`,
    );
  });
  const { coming, interval } = over;
  if (coming === undefined || interval === undefined) throw new BenchError('nobody came');
  return { capacity, coming, interval, healthMs };
}

/** Half as many again come at once as the edge node has let in by itself. */
export function overCapacity(bench: Bench): Promise<Goal[]> {
  return Rig.with(bench, async (rig) => {
    const edge = await rig.edgeNode('over-capacity', PACKETS_PER_SECOND);
    const crowd = rig.crowd(edge, MOST_USERS);
    const { capacity, coming, interval, healthMs } = await measure(edge, crowd);
    console.log(
      `  ${capacity.users} users were in when the first was refused; of ${coming.came} more ${coming.in} came in, ` +
        `${coming.refused} were refused, in ${coming.seconds.toFixed(2)} s`,
    );
    const { missing, cutOff } = interval;
    const resets = capacity.resets + coming.reset;
    // Of those who are too many maybe nobody comes in: the last who did tell then.
    const firstByteMs = coming.in > 0 ? coming.p99Ms : capacity.firstByteMs;
    const accepted = coming.came / coming.seconds;
    return [
      {
        kind: 'correctness',
        goal: 'of those admitted none misses a packet or is cut off',
        measured: `${missing} packets missing, ${cutOff} users cut off`,
        held: missing === 0 && cutOff === 0,
      },
      {
        kind: 'correctness',
        goal: 'refusals all by line',
        measured: `${coming.refused} by line, ${resets} resets`,
        held: resets === 0,
      },
      atMost('p99 of those admitted at most 1 s', interval.p99Ms, 1_000, 'ms', 0),
      atMost("a newcomer's first byte: p99 at most 1 s", firstByteMs, 1_000, 'ms', 0),
      {
        kind: 'speed',
        goal: 'at least 500 accepts/s',
        measured: `${accepted.toFixed(0)} a second`,
        held: accepted >= 500,
      },
      atMost('/healthz at most 100 ms', healthMs, 100, 'ms', 0),
    ];
  });
}
