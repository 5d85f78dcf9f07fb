import { setTimeout as sleep } from 'node:timers/promises';
import { PAYLOAD_BYTES } from '../../../demo/media/clip.ts';
import { register, usageOf } from '../../../demo/viewer/demo-user.ts';
import { allReceive, Viewer } from '../support/viewer.ts';

const USERS = 200;
const CHANNEL = 'zato01';
const WATCH_MS = 4_000;
/** DRAIN_MS of docker-compose.yml. */
const DRAIN_MS = 5_000;
/** For Docker to bring the signal, and for a busy machine. */
const SLACK_MS = 2_000;
/** Evenly spread it is a fifth in any one second. */
const MOST_IN_A_SECOND = 0.4;

export interface EdgeNodeControl {
  readonly origin: string;
  readonly usersPort: number;
  restart(): Promise<unknown>;
  stop(): Promise<unknown>;
}

/**
 * Restarts an edge node under users who come back each time, stops it in the end, and compares for each user what came
 * with what /usage says.
 */
export async function rollingRestart(edge: EdgeNodeControl): Promise<string> {
  const viewers = Array.from(
    { length: USERS },
    (_, i) => new Viewer(`viewer-${i}`, () => edge.usersPort),
  );
  await Promise.all(viewers.map(({ userId }) => register(edge.origin, userId)));
  const watching = Promise.all(viewers.map((viewer) => viewer.watch(CHANNEL)));
  await allReceive(viewers);
  await sleep(WATCH_MS);

  const restartedMs = performance.now();
  await edge.restart();
  const ends = viewers.map(({ visits }) => (visits[0]?.endedMs ?? Number.NaN) - restartedMs);
  await allReceive(viewers);
  await sleep(WATCH_MS);

  for (const viewer of viewers) viewer.leaveAtNextClose();
  await edge.stop();
  await watching;

  const spread = evenlySpread(ends);
  const visits = viewers.flatMap((viewer) => viewer.visits);
  const cut = visits.filter(({ clean, bytes }) => !clean || bytes % PAYLOAD_BYTES !== 0);
  if (visits.length !== 2 * USERS || cut.length > 0) {
    throw new Error(`${visits.length} visits of ${USERS} users, ${cut.length} cut off`);
  }
  const wrong: string[] = [];
  for (const { userId, seconds } of viewers) {
    const usage = (await usageOf(edge.origin, userId))[CHANNEL];
    if (usage !== seconds) wrong.push(`${userId} received ${seconds} s, /usage says ${usage}`);
  }
  if (wrong.length > 0) throw new Error(`${wrong.length} users: ${wrong[0]}`);
  const total = viewers.reduce((sum, { seconds }) => sum + seconds, 0);
  return `each closed by FIN after a whole packet, ${spread}; all came back, and /usage has each of their ${total} s`;
}

/** @param ends when each user was closed, milliseconds after the order to restart */
function evenlySpread(ends: readonly number[]): string {
  const sorted = ends.toSorted((a, b) => a - b);
  const [first = Number.NaN] = sorted;
  const last = sorted.at(-1) ?? Number.NaN;
  const busiest = Math.max(
    ...sorted.map((from) => sorted.filter((end) => end >= from && end < from + 1000).length),
  );
  const seen = `from ${Math.round(first)} to ${Math.round(last)} ms after the order, at most ${busiest} in one second`;
  if (!(last <= DRAIN_MS + SLACK_MS && busiest <= ends.length * MOST_IN_A_SECOND)) {
    throw new Error(`not spread over DRAIN_MS: ${seen}`);
  }
  return seen;
}
