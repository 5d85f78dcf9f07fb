/**
 * Five users of a service that runs already: `watch.ts <functions' origin> <stream host> <stream port> <seconds>`. They
 * register, watch, say what they get, and ask how long they have watched.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DemoUser, register, usageOf } from './demo-user.ts';
import { DEMO_USERS } from './users.ts';

const PROGRESS_MS = 5_000;
/** What was watched shows in /usage at the latest after one flush of an edge node as it comes. */
const FLUSH_MS = 6_000;

const [origin = '', host = '', port = '', seconds = ''] = process.argv.slice(2);
const end = AbortSignal.timeout(Number(seconds) * 1000);

const users = DEMO_USERS.map(([userId, channelId]) => {
  return new DemoUser({ userId, channelId, host, port: Number(port), file: '/dev/null' });
});
for (const { options } of users) {
  await register(origin, options.userId);
  console.log(`${options.userId}: registered, watches ${options.channelId}`);
}
const watching = users.map((user) => user.watch());
while (!end.aborted) {
  await sleep(PROGRESS_MS, undefined, { signal: end }).catch(() => {});
  for (const { options, check } of users) {
    console.log(`${options.userId} ${options.channelId}: ${check.payloads} packets in order`);
  }
}
for (const user of users) user.leave();
await Promise.all(watching);
await sleep(FLUSH_MS);

let isGood = true;
for (const { options, check } of users) {
  const sessions = await usageOf(origin, options.userId);
  console.log(
    `${options.userId}: ${check.gaps + check.errors} errors, ${JSON.stringify(sessions)}`,
  );
  isGood &&= check.gaps + check.errors === 0;
}
process.exitCode = isGood ? 0 : 1;
