import { once } from 'node:events';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchError } from '../child.ts';

const EVERY_MS = 50;

/** Milliseconds until `/healthz` was answered, on a connection of its own as a probe's. */
async function probe(admin: string): Promise<number> {
  const sinceMs = performance.now();
  const request = get(`${admin}/healthz`, { agent: false });
  const [response] = await once(request, 'response');
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== 200) throw new BenchError(`/healthz says ${response.statusCode}`);
  return performance.now() - sinceMs;
}

/** The longest that `/healthz` took while `work` was done, asked again and again. */
export async function slowestHealthMs(admin: string, work: () => Promise<void>): Promise<number> {
  const working = { is: true };
  const probing = (async () => {
    let slowestMs = 0;
    while (working.is) {
      slowestMs = Math.max(slowestMs, await probe(admin));
      await sleep(EVERY_MS);
    }
    return slowestMs;
  })();
  try {
    await work();
  } finally {
    working.is = false;
  }
  return probing;
}
