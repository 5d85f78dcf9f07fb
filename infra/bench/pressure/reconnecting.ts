import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../child.ts';
import { atMost, type Goal } from '../report.ts';
import type { IntervalReport } from '../run.ts';
import { type Bench, Rig } from './rig.ts';

const PACKETS_PER_SECOND = 100;
const STAYING = 1_000;
const RECONNECTING = 5_000;
const STEP_USERS = 500;
const WARM_UP_MS = 3_000;
const INTERVAL_MS = 5_000;
const READY_MS = 20_000;
const REPORT_MS = 10_000;
const P99_SHARE = 1.3;

/** What those who stay saw of so much time. */
async function interval(staying: Child, work: () => Promise<unknown>): Promise<IntervalReport> {
  staying.tell('start');
  await Promise.all([work(), sleep(INTERVAL_MS)]);
  staying.tell('stop');
  return JSON.parse(await staying.line(REPORT_MS)) as IntervalReport;
}

/** A crowd hangs up and comes back at once, beside users who stay. */
export function reconnecting(bench: Bench): Promise<Goal[]> {
  return Rig.with(bench, async (rig) => {
    const edge = await rig.edgeNode('reconnecting', PACKETS_PER_SECOND);
    const staying = rig.users(edge, STAYING, 0);
    await staying.line(READY_MS);
    const crowd = rig.crowd(edge, RECONNECTING);
    for (let came = 0; came < RECONNECTING; came += STEP_USERS) await crowd.come(STEP_USERS);
    await sleep(WARM_UP_MS);
    const before = await interval(staying, async () => {});
    const coming = { in: 0, refused: 0, reset: 0, seconds: 0 };
    const during = await interval(staying, async () => {
      Object.assign(coming, await crowd.again());
    });
    const share = during.p99Ms / before.p99Ms;
    const missing = before.missing + during.missing;
    return [
      {
        kind: 'speed',
        goal: `${RECONNECTING} users who reconnect at once are all in within 5 s`,
        measured: `${coming.in} in, ${coming.refused} refused, ${coming.reset} reset, in ${coming.seconds.toFixed(2)} s`,
        held: coming.in === RECONNECTING && coming.seconds <= 5,
      },
      {
        kind: 'correctness',
        goal: `none of the ${STAYING} who stay misses a packet`,
        measured: `${missing} missing`,
        held: missing === 0,
      },
      atMost(
        `their p99 is at most ${P99_SHARE} of that before (${before.p99Ms.toFixed(0)} ms, then ${during.p99Ms.toFixed(0)})`,
        share,
        P99_SHARE,
        'of it',
      ),
    ];
  });
}
